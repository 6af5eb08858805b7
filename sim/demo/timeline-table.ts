// Timelines as a table of at most 80 columns: a column per machine, or for many machines the extremes.
import { secondsText, styled } from './text.ts';
import type { MachineTimeline, Slowness } from './timeline.ts';

interface NamedTimeline {
  name: string;
  timeline: MachineTimeline;
}

/** With more machines than these a column each would not fit. */
const mostColumns = 4;
const nameWidth = 34;
const columnWidth = 10;

export function timelineText(machines: readonly NamedTimeline[]): string {
  const states = rowsOf(machines, ({ states }) => Object.entries(states));
  const steps = rowsOf(machines, ({ steps }) =>
    steps.map(({ operation, step, seconds }) => [`${operation}: ${step}`, seconds]),
  );
  const heads =
    machines.length <= mostColumns ? machines.map(({ name }) => name) : ['least', 'median', 'most'];
  const head = (title: string): string =>
    styled('dim', `  ${title.padEnd(nameWidth)}${heads.map((text) => text.padStart(columnWidth)).join('')}`);
  return [head('seconds in state'), ...states, head('seconds in step'), ...steps].join('\n');
}

export function slownessText(slow: readonly Slowness[], fastTrackSeconds: number): string {
  const fastTrack =
    `[deploy]fast_track = True with [inspector]power_off = False keeps one agent running from inspection to ` +
    `deployment: about ${secondsText(fastTrackSeconds)} s less for each machine.`;
  return [...slow.map(slowStepText), '', ...wrapped(fastTrack, 76).map((line) => `  ${line}`)].join('\n');
}

function slowStepText({ operation, step, seconds, share, why }: Slowness): string {
  const what = `${secondsText(seconds)} s each time, ${Math.round(share * 100)} % of all steps`;
  const name = styled('bold', `${operation}: ${step}`);
  return [`  ${name}  ${what}`, ...wrapped(why, 74).map((line) => `    ${line}`)].join('\n');
}

function rowsOf(
  machines: readonly NamedTimeline[],
  entriesOf: (timeline: MachineTimeline) => [name: string, seconds: number][],
): string[] {
  const names = new Set<string>();
  const columns = machines.map(({ timeline }) => {
    const seconds = new Map<string, number>();
    for (const [name, each] of entriesOf(timeline)) {
      names.add(name);
      seconds.set(name, (seconds.get(name) ?? 0) + each);
    }
    return seconds;
  });
  return [...names].map((name) => {
    const values = columns.map((seconds) => seconds.get(name));
    const cells =
      machines.length <= mostColumns ? values : extremes(values.filter((each) => each !== undefined));
    const texts = cells.map((each) => (each === undefined ? '' : secondsText(each)).padStart(columnWidth));
    return `  ${name.padEnd(nameWidth)}${texts.join('')}`.trimEnd();
  });
}

function extremes(values: number[]): (number | undefined)[] {
  const sorted = values.toSorted((a, b) => a - b);
  return [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
}

function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
