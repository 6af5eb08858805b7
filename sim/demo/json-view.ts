import type { Writable } from 'node:stream';
import type { Sight, View } from './view.ts';

/** A line of JSON for each change of a machine and one for the result; words for people go to standard error. */
export function jsonView(output: Writable, errors: Writable): View {
  const last = new Map<string, string>();
  const write = (line: object): void => void output.write(`${JSON.stringify(line)}\n`);
  return {
    heading: () => {},
    say: () => {},
    proved: () => {},
    machine(sight: Sight) {
      const { seconds, progress, ...facts } = sight;
      const told = {
        ...facts,
        phase: progress?.phase ?? null,
        bytes_done: progress?.bytesDone ?? null,
        bytes_total: progress?.bytesTotal ?? null,
        percent: progress?.percent ?? null,
      };
      const text = JSON.stringify(told);
      if (last.get(sight.machine) === text) return;
      last.set(sight.machine, text);
      write({ kind: 'machine', ...told, seconds });
    },
    settle: () => {},
    end(result) {
      write({ kind: 'result', ...result });
      for (const { error } of result.failures) errors.write(`${error}\n`);
    },
  };
}
