import { setTimeout as delay } from 'node:timers/promises';

/** Time as it is passed in everywhere, so that a whole control plane can run in virtual time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `milliseconds`; rejects with an AbortError when the signal is aborted first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  async sleep(milliseconds, signal) {
    // A timer that is set for longer rings at once.
    let rest = milliseconds;
    for (; rest > longestTimer; rest -= longestTimer)
      await delay(longestTimer, undefined, signal ? { signal } : {});
    await delay(rest, undefined, signal ? { signal } : {});
  },
};

/** A point in time as the API writes it: `2026-01-01T00:00:00.000000+00:00`. Sorts as text. */
export function wireTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000+00:00');
}

/** Chance as it is passed in everywhere, so that a run can be repeated from a seed. */
export interface Random {
  uuid(): string;
  /** At least 0, less than 1. */
  fraction(): number;
}

export const systemRandom: Random = {
  uuid: () => crypto.randomUUID(),
  fraction: Math.random,
};
