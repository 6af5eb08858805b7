// How the demo writes machines, numbers and marks.
import { styleText } from 'node:util';
import type { Progress } from './view.ts';

const mebibyte = 1024 ** 2;

/** Colours where standard output is a terminal and NO_COLOR does not forbid them. */
export function styled(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** `verify   182/256 MiB  71 %` */
export function progressText(progress: Progress | null): string {
  if (!progress) return '';
  const { phase, bytesDone, bytesTotal, percent } = progress;
  const done = Math.floor(bytesDone / mebibyte);
  const bytes = bytesTotal === null ? `${done} MiB` : `${done}/${Math.ceil(bytesTotal / mebibyte)} MiB`;
  const share = percent === null ? '' : `${Math.floor(percent)} %`.padStart(6);
  return bytesDone === 0 && bytesTotal === null ? phase : `${phase.padEnd(8)} ${bytes.padStart(11)}${share}`;
}

export function proofText(machine: string, sentence: string, isTrue: boolean): string {
  const mark = isTrue ? styled('green', '✔') : styled('red', '✘');
  return `  ${mark} ${machine.padEnd(8)} ${sentence}`;
}

export function headingText(text: string): string {
  return `\n${styled('bold', text)}`;
}

/** Thousands apart: `268,435,456`. */
export function count(number: number): string {
  return number.toLocaleString('en-US');
}

export function secondsText(seconds: number): string {
  return seconds.toFixed(seconds < 10 ? 2 : 1);
}

/** Failures, with what the service said of them and where to look. */
export function failureText(
  failures: readonly { error: string; last_error: string | null }[],
  folder: string | null,
): string {
  const lines = failures.flatMap(({ error, last_error: lastError }) => [
    `  ${styled('red', '✘')} ${error}`,
    ...(lastError === null ? [] : [`    last_error: ${lastError}`]),
  ]);
  const logs =
    folder === null
      ? []
      : [
          '',
          `  The service's log: ${folder}/service.log`,
          `  The agents' logs:  ${folder}/machines/*/agent.log`,
        ];
  return [...lines, ...logs].join('\n');
}
