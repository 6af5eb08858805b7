import { parseArgs } from 'node:util';
import { BenchError } from './bench-error.ts';
import { type Amounts, phaseNames } from './phases.ts';
import type { Database } from './scale.ts';

export const usage = `Usage: npm run bench -- [options]

Without --url it starts Ingot by itself, in its own process on a fresh data folder.

  --url URL          measure a server that runs already (its nodes are removed again afterwards) …
  --pids 1,2,3       … and whose processor time and memory to account, children included
  --reference        also measure the reference, phase by phase in turn, where ../shared/peer is there
  --rounds N         do everything N times, each on fresh servers (default 1); the best is compared
  --nodes N          how many nodes to fill it with (default 1000)
  --seconds S        how long show, list, detail and patch take each (default 6)
  --connections N    connections for reading (default 16)
  --lifecycle N      how many nodes change at once, at most 1000 (default 100; 0 leaves that out)
  --only show,list   only these phases: ${phaseNames.join(', ')}
  --quiet-wait S     how long to wait at most for a quiet machine before each phase (default 10)
  --compare FILE     also compare with the result of an earlier --json
  --profile FOLDER   have Ingot write a CPU profile there
  --json             the result as JSON on standard output

  --crowd N          instead: N deployments at once on one conductor, and N streams of events
  --scale            instead: what a fleet costs as it grows, and a pass over its power states
  --sizes 1000,…     … of so many nodes (default 1000,10000,100000)
  --databases …      … on sqlite, postgresql, or both (the default)
  --bmc-delay MS     … whose BMCs take so long for an answer (default 50)
`;

export interface BenchOptions extends Amounts {
  url: string | null;
  pids: number[];
  reference: boolean;
  rounds: number;
  only: readonly string[];
  quietWaitSeconds: number;
  compare: string | null;
  profile: string | null;
  json: boolean;
  crowd: number | null;
  scale: boolean;
  sizes: readonly number[];
  databases: readonly Database[];
  bmcMilliseconds: number;
}

/** Throws BenchError with a sentence that names what is wrong. */
export function readOptions(args: string[]): BenchOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const pids = values.pids === undefined ? [] : values.pids.split(',').map((one) => whole('--pids', one, 1));
  const url = values.url ?? null;
  if ((url === null) !== (pids.length === 0))
    throw new BenchError('--url and --pids go together: the server, and the processes it consists of.');
  const only = values.only?.split(',') ?? phaseNames;
  const unknown = only.find((one) => !phaseNames.some((name) => name === one));
  if (unknown !== undefined)
    throw new BenchError(`There is no phase '${unknown}'. The phases are ${phaseNames.join(', ')}.`);
  return {
    url,
    pids,
    reference: values.reference,
    rounds: whole('--rounds', values.rounds, 1),
    nodes: whole('--nodes', values.nodes, 1),
    seconds: duration('--seconds', values.seconds, 0.01),
    connections: whole('--connections', values.connections, 1),
    lifecycle: whole('--lifecycle', values.lifecycle, 0, 1000),
    only,
    quietWaitSeconds: duration('--quiet-wait', values['quiet-wait'], 0),
    compare: values.compare ?? null,
    profile: values.profile ?? null,
    json: values.json,
    crowd: values.crowd === undefined ? null : whole('--crowd', values.crowd, 1, 1000),
    scale: values.scale,
    sizes: values.sizes
      .split(',')
      .map((size) => whole('--sizes', size, 1, 1_000_000))
      .toSorted((a, b) => a - b),
    databases: values.databases.split(',').map(databaseNamed),
    bmcMilliseconds: whole('--bmc-delay', values['bmc-delay'], 0, 60_000),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        url: { type: 'string' },
        pids: { type: 'string' },
        reference: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '1' },
        nodes: { type: 'string', default: '1000' },
        seconds: { type: 'string', default: '6' },
        connections: { type: 'string', default: '16' },
        lifecycle: { type: 'string', default: '100' },
        only: { type: 'string' },
        'quiet-wait': { type: 'string', default: '10' },
        compare: { type: 'string' },
        profile: { type: 'string' },
        json: { type: 'boolean', default: false },
        crowd: { type: 'string' },
        scale: { type: 'boolean', default: false },
        sizes: { type: 'string', default: '1000,10000,100000' },
        databases: { type: 'string', default: 'sqlite,postgresql' },
        'bmc-delay': { type: 'string', default: '50' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (cause) {
    const reason =
      cause instanceof Error ? cause.message.split('. ', 1)[0]?.split('\n', 1)[0] : String(cause);
    throw new BenchError(`${reason}. The options are explained by --help.`, { cause });
  }
}

function databaseNamed(name: string): Database {
  if (name === 'sqlite' || name === 'postgresql') return name;
  throw new BenchError(`--databases takes sqlite and postgresql, not '${name}'.`);
}

function whole(option: string, text: string, least: number, most = 1_000_000_000): number {
  const number = Number(text);
  if (text !== '' && Number.isInteger(number) && number >= least && number <= most) return number;
  throw new BenchError(`${option} takes a whole number from ${least} to ${most}, not '${text}'.`);
}

function duration(option: string, text: string, least: number): number {
  const number = Number(text);
  if (text !== '' && Number.isFinite(number) && number >= least) return number;
  throw new BenchError(`${option} takes a number of seconds from ${least}, not '${text}'.`);
}
