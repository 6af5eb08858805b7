// The sim's time. Passed in, so that a test may own it.
import { setTimeout as wait } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after that long; rejects with the signal's reason when it is aborted first. */
  delay(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  delay: (milliseconds, signal) => wait(milliseconds, undefined, { signal }),
};
