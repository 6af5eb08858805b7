// What npm run simulate is asked for on the command line.
import { parseArgs } from 'node:util';
import { messageOf } from '#model/message.ts';
import { type Guard, guards } from './guards.ts';

export const usage = `Usage: npm run simulate -- [options]

A whole control plane in virtual time, every promise checked after every event; docs/simulation.md tells more.

  --seed N          the first seed; the same seed goes the same way (default 1)
  --seeds K         so many seeds, one after the other (default 1)
  --hours H         so many virtual hours of trouble each, and then what it takes to come to rest (default 5)
  --conductors N    (default 3)
  --machines N      (default 200)
  --without GUARD   switched off, to see that it is missed: ${guards.join(', ')}; may be repeated
  --jobs J          so many processes at once (default 1)
  --verbose         tells every event
`;

export interface Options {
  seed: number;
  seeds: number;
  hours: number;
  conductors: number;
  machines: number;
  without: Guard[];
  jobs: number;
  verbose: boolean;
}

/** Or what to print instead, with what to end with. */
export function readOptions(args: readonly string[]): Options | { says: string; status: number } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: '1' },
        seeds: { type: 'string', default: '1' },
        hours: { type: 'string', default: '5' },
        conductors: { type: 'string', default: '3' },
        machines: { type: 'string', default: '200' },
        without: { type: 'string', multiple: true, default: [] },
        jobs: { type: 'string', default: '1' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { says: usage, status: 0 };
    return {
      seed: wholeNumber('--seed', values.seed, 0),
      seeds: wholeNumber('--seeds', values.seeds),
      hours: hoursIn(values.hours),
      conductors: wholeNumber('--conductors', values.conductors),
      machines: wholeNumber('--machines', values.machines),
      without: values.without.map(asGuard),
      jobs: wholeNumber('--jobs', values.jobs),
      verbose: values.verbose,
    };
  } catch (error) {
    const reason = messageOf(error).split(/\. |\.?\n/, 1)[0];
    return { says: `simulate: ${reason}. The options are explained by --help.\n`, status: 2 };
  }
}

function wholeNumber(option: string, value: string, least = 1): number {
  const number = Number(value);
  if (value !== '' && Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`${option} takes a whole number of at least ${least}, not '${value}'`);
}

function hoursIn(value: string): number {
  const hours = Number(value);
  if (hours > 0 && Number.isFinite(hours)) return hours;
  throw new Error(`--hours takes a number above 0, not '${value}'`);
}

function asGuard(name: string): Guard {
  const found = guards.find((guard) => guard === name);
  if (found === undefined) throw new Error(`--without takes one of ${guards.join(', ')}, not '${name}'`);
  return found;
}
