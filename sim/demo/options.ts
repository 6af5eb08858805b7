// What the demo was asked for on its command line.
import { parseArgs } from 'node:util';
import { messageOf } from '#model/message.ts';

export const usage = `Usage: npm run demo [-- [--machines N] [--json] [--keep]]

  --machines N  how many machines, from 1 to 50 (default 3)
  --json        a line of JSON for each change of a machine, and one for the result, on standard output
  --keep        leave everything running at the end, until Ctrl-C
`;

export interface DemoOptions {
  machines: number;
  json: boolean;
  keep: boolean;
}

/** The options are wrong; the message is one sentence for whoever typed them. */
export class BadOptions extends Error {
  override readonly name = 'BadOptions';
}

const mostMachines = 50;

/** Throws BadOptions. */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values } = parseOrExplain(args);
  if (values.help) return 'help';
  const machines = Number(values.machines);
  if (!Number.isInteger(machines) || machines < 1 || machines > mostMachines)
    throw new BadOptions(
      `--machines takes a whole number from 1 to ${mostMachines}, not '${values.machines}'.`,
    );
  return { machines, json: values.json, keep: values.keep };
}

function parseOrExplain(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        machines: { type: 'string', default: '3' },
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (cause) {
    const reason = messageOf(cause).split(/\. |\.?\n/, 1)[0];
    throw new BadOptions(`${reason}. The options are --machines, --json and --keep; --help explains them.`, {
      cause,
    });
  }
}
