/** Time as it is passed in everywhere, so that a whole control plane can run in virtual time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `milliseconds`; rejects with the signal's reason when that is aborted first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  async sleep(milliseconds, signal) {
    // A timer that is set for longer rings at once.
    let rest = milliseconds;
    for (; rest > longestTimer; rest -= longestTimer) await delay(longestTimer, signal);
    await delay(rest, signal);
  },
};

/** Makes no error of its own when it is cut short, as Node's does: most of these never come to their end. */
async function delay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  // The reason is whatever was aborted with.
  const abort = (): void => reject(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

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
