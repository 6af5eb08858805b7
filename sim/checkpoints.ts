// Where the service under test says "I am here", and where a test can have it killed at exactly that place.
import { BadRequest } from './errors.ts';

export interface Checkpoint {
  /** 1 for the first since the list was cleared. */
  sequence: number;
  at: string;
  name: string;
  node: string | null;
  pid: number;
  killed: boolean;
}

/** Counted from when the trap is armed. */
export type TrapTarget =
  /** At the Kth checkpoint of any name. */
  | { at: number }
  /** At the given occurrence of that name (1: the first), of that node when one is named. */
  | { name: string; occurrence?: number; node?: string };

/** What is done to the process there: killed, or halted until somebody sends it SIGCONT. */
export type Strike = 'SIGKILL' | 'SIGSTOP';

export interface Trap {
  /** Resolves with the checkpoint at which the process was struck. */
  readonly hit: Promise<Checkpoint>;
  disarm(): void;
}

interface ArmedTrap {
  matches: (checkpoint: Checkpoint) => boolean;
  left: number;
  strike: Strike;
  resolve: (checkpoint: Checkpoint) => void;
}

const keptCheckpoints = 100_000;

export class Checkpoints {
  readonly #now: () => number;
  readonly #strike: (pid: number, how: Strike) => void;
  readonly #traps = new Set<ArmedTrap>();
  #reached: Checkpoint[] = [];
  #sequence = 0;

  constructor(now: () => number, strike = (pid: number, how: Strike): void => void process.kill(pid, how)) {
    this.#now = now;
    this.#strike = strike;
  }

  get reached(): readonly Checkpoint[] {
    return this.#reached;
  }

  /** Forgets what was reached and every trap. */
  clear(): void {
    this.#reached = [];
    this.#sequence = 0;
    this.#traps.clear();
  }

  /** A trap is used up when it strikes. */
  arm(target: TrapTarget, strike: Strike = 'SIGKILL'): Trap {
    const { promise, resolve } = Promise.withResolvers<Checkpoint>();
    const trap: ArmedTrap =
      'at' in target
        ? { matches: () => true, left: target.at, strike, resolve }
        : {
            matches: ({ name, node }) =>
              name === target.name && (target.node === undefined || node === target.node),
            left: target.occurrence ?? 1,
            strike,
            resolve,
          };
    this.#traps.add(trap);
    return { hit: promise, disarm: () => this.#traps.delete(trap) };
  }

  /** Records the checkpoint; strikes the process there, and says so if that killed it, when a trap is set on it. */
  reach(reached: { name: string; node: string | null; pid: number }): Checkpoint {
    this.#sequence += 1;
    const checkpoint: Checkpoint = {
      sequence: this.#sequence,
      at: new Date(this.#now()).toISOString(),
      ...reached,
      killed: false,
    };
    this.#reached.push(checkpoint);
    if (this.#reached.length > keptCheckpoints) this.#reached.shift();
    for (const trap of this.#traps) {
      if (!trap.matches(checkpoint)) continue;
      trap.left -= 1;
      if (trap.left > 0) continue;
      this.#traps.delete(trap);
      if (!checkpoint.killed) this.#strike(checkpoint.pid, trap.strike);
      checkpoint.killed ||= trap.strike === 'SIGKILL';
      trap.resolve(checkpoint);
    }
    return checkpoint;
  }
}

export function parseCheckpoint(body: Record<string, unknown>): {
  name: string;
  node: string | null;
  pid: number;
} {
  const { name, node = null, pid } = body;
  if (typeof name !== 'string') throw new BadRequest('A checkpoint needs a "name".');
  if (node !== null && typeof node !== 'string')
    throw new BadRequest('A checkpoint\'s "node" is a UUID or null.');
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1)
    throw new BadRequest('A checkpoint needs the "pid" of the process that reached it.');
  if (pid === process.pid)
    throw new BadRequest('The sim does not kill itself: run the service in another process.');
  return { name, node, pid };
}

export function parseTrapTarget(body: Record<string, unknown>): TrapTarget {
  const { at, name, occurrence, node } = body;
  const isCount = (value: unknown): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
  if (isCount(at)) return { at };
  if (typeof name !== 'string') throw new BadRequest('Arm with {"at": K} or {"name": …, "occurrence": K}.');
  if (occurrence !== undefined && !isCount(occurrence))
    throw new BadRequest('"occurrence" is a whole number from 1.');
  if (node !== undefined && typeof node !== 'string') throw new BadRequest('"node" is a UUID.');
  return { name, ...(occurrence !== undefined && { occurrence }), ...(node !== undefined && { node }) };
}
