import type { WriteStream } from 'node:tty';
import { lineView } from './line-view.ts';
import { progressText, styled } from './text.ts';
import type { Sight, View } from './view.ts';

const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';
const clearDown = '\u001B[0J';
/** More often than this nobody sees it. */
const redrawMs = 60;

/** For a terminal: a line per machine, redrawn in place; everything else goes below it. */
export function tableView(output: WriteStream): View {
  const below = lineView(output);
  let sights = new Map<string, Sight>();
  let drawnLines = 0;
  let drawnAt = 0;

  const draw = (): void => {
    // What does not fit on the screen could not be drawn over: machines at rest are left out first.
    const room = Math.max(1, (output.rows || 24) - 4);
    const shown = [...sights.values()].toSorted(underWayFirst).slice(0, room).toSorted(byName);
    const left = sights.size - shown.length;
    const lines = shown.map((sight) => rowText(sight, output.columns || 80));
    if (left > 0) lines.push(styled('dim', `  … and ${left} more`));
    const up = drawnLines > 0 ? `\u001B[${drawnLines}A` : '';
    // A terminal shows the ^C somebody typed, which leaves the cursor behind it.
    output.write(`${hideCursor}\r${up}${clearDown}${lines.join('\n')}\n`);
    drawnLines = lines.length;
    drawnAt = performance.now();
  };
  const settle = (): void => {
    if (sights.size === 0) return;
    draw();
    output.write(showCursor);
    sights = new Map();
    drawnLines = 0;
  };

  return {
    heading(text) {
      settle();
      below.heading(text);
    },
    say(text) {
      settle();
      below.say(text);
    },
    proved(machine, sentence, isTrue) {
      settle();
      below.proved(machine, sentence, isTrue);
    },
    machine(sight) {
      sights.set(sight.machine, sight);
      if (performance.now() - drawnAt >= redrawMs) draw();
    },
    settle,
    end(result) {
      settle();
      below.end(result);
    },
  };
}

function underWayFirst(a: Sight, b: Sight): number {
  return Number(a.step === null) - Number(b.step === null);
}

function byName(a: Sight, b: Sight): number {
  return a.machine.localeCompare(b.machine, 'en', { numeric: true });
}

/** Exactly one line of the terminal, whatever its width. */
function rowText({ machine, state, step, progress, seconds }: Sight, columns: number): string {
  const cells = [
    { text: ` ${machine.padEnd(7)}`, style: 'bold' },
    { text: state.padEnd(14), style: colourOf(state) },
    { text: (step ?? '').slice(0, 22).padEnd(22), style: 'cyan' },
    { text: progressText(progress).padEnd(26), style: null },
    { text: `${Math.floor(seconds)} s`.padStart(4), style: 'dim' },
  ] as const;
  let room = columns - 1;
  let line = '';
  for (const { text, style } of cells) {
    const fitting = `${text} `.slice(0, room);
    line += style === null ? fitting : styled(style, fitting);
    room -= fitting.length;
  }
  return line.trimEnd();
}

function colourOf(state: string): 'green' | 'red' | 'yellow' {
  if (state === 'active' || state === 'available' || state === 'manageable') return 'green';
  return state.endsWith('failed') || state === 'error' ? 'red' : 'yellow';
}
