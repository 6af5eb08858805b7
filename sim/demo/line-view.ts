import type { Writable } from 'node:stream';
import { failureText, headingText, progressText, proofText } from './text.ts';
import type { Sight, View } from './view.ts';

/** For a pipe or a log: a line when a machine comes to another step or rests, and at each quarter of the bytes. */
export function lineView(output: Writable): View {
  const last = new Map<string, string>();
  const write = (text: string): void => void output.write(`${text}\n`);
  return {
    heading: (text) => write(headingText(text)),
    say: write,
    proved: (machine, sentence, isTrue) => write(proofText(machine, sentence, isTrue)),
    machine(sight: Sight) {
      const { machine, state, step, progress, seconds } = sight;
      const quarter = Math.floor((progress?.percent ?? 0) / 25);
      // While a step waits the state goes to and fro with every look at it.
      const key = [step ?? state, progress?.phase, quarter].join('/');
      if (last.get(machine) === key) return;
      last.set(machine, key);
      const time = `${seconds.toFixed(1)} s`.padStart(7);
      const where = `${state.padEnd(15)} ${(step ?? '').padEnd(24)} ${progressText(progress)}`;
      write(`  ${machine.padEnd(8)} ${time}  ${where}`.trimEnd());
    },
    settle: () => {},
    end({ failures, folder }) {
      if (failures.length > 0) write(`${headingText('Failed')}\n${failureText(failures, folder)}`);
    },
  };
}
