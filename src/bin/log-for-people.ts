// The log as somebody at a terminal reads it: a line for what happened, and below it what went wrong and why.
import type { DestinationStream } from 'pino';

const levels: Readonly<Record<number, string>> = {
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'fatal',
};
/** Of a line that pino writes: shown in another form, or of no use at a terminal. */
const notFields: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'err']);

/** Takes the lines of JSON that pino writes. What is none is passed on as it is. */
export function logForPeople(write: (line: string) => void): DestinationStream {
  return { write: (line) => write(readable(line)) };
}

function readable(line: string): string {
  const entry = parse(line);
  if (!entry) return line;
  const level = levels[Number(entry['level'])] ?? '';
  const time = new Date(Number(entry['time'])).toTimeString().slice(0, 8);
  const fields = Object.entries(entry)
    .filter(([name]) => !notFields.has(name))
    .map(([name, value]) => `${name}=${text(value)}`);
  const head = [time, level, text(entry['msg'] ?? ''), ...fields].join(' ');
  // The places in our code help when the fault is ours.
  const below = errorLines(entry['err'], { places: Number(entry['level']) >= 50 });
  return `${withoutControls([head, ...below].join('\n  '))}\n`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? { ...entry } : undefined;
  } catch {
    return undefined;
  }
}

/** A stack has the error and each of its causes, with the places in the code between them. */
function errorLines(error: unknown, { places }: { places: boolean }): string[] {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return [];
  const stack = String(error.stack);
  return (places ? stack : withoutPlaces(stack)).split('\n');
}

/** A stack without where in the code it happened: the error and its causes. */
export function withoutPlaces(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => !line.startsWith('    at '))
    .join('\n');
}

/** What a BMC or an image server said may hold sequences that command a terminal. */
function withoutControls(line: string): string {
  return line.replaceAll(/[^\P{Cc}\n]/gu, '\uFFFD');
}
