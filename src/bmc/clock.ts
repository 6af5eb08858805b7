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

/** Why a limit is not waited for any more; without a stack, for there are thousands in a second. */
const notNeeded = 'what it limited is over';

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
  signal.throwIfAborted();
  const either = new AbortController();
  const done = new AbortController();
  const abort = (): void => either.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  clock.sleep(milliseconds, done.signal).then(
    () => either.abort(expired()),
    () => undefined,
  );
  try {
    return await work(either.signal);
  } catch (error) {
    throw either.signal.aborted ? either.signal.reason : error;
  } finally {
    signal.removeEventListener('abort', abort);
    done.abort(notNeeded);
  }
}
