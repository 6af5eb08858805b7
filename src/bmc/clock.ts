// Time and chance, passed in so that a test or a simulation can run in a time of its own.

export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Rejects if the signal is aborted first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export interface Random {
  /** At least 0, less than 1. */
  fraction(): number;
}

/**
 * Runs `work` with a signal that is aborted with the caller's, or with `expired()` after so many milliseconds, and
 * rejects with the reason of whichever came first.
 */
export async function withLimit<T>(
  clock: Clock,
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  expired: () => Error,
): Promise<T> {
  const limit = new AbortController();
  const done = new AbortController();
  clock.sleep(milliseconds, done.signal).then(
    () => limit.abort(expired()),
    () => undefined,
  );
  const either = AbortSignal.any([signal, limit.signal]);
  try {
    either.throwIfAborted();
    return await work(either);
  } catch (error) {
    throw either.aborted ? either.reason : error;
  } finally {
    done.abort();
  }
}
