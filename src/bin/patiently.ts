import type { Logger } from 'pino';
import type { Clock } from '#model/clock.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import { BrokerAway } from '#rpc/broker-errors.ts';
import { StartError } from './start-error.ts';

export interface Patience {
  /** What is tried, as the log names it: 'the database'. */
  readonly what: string;
  /** After so long it is given up; 0 never. */
  readonly limitSeconds: number;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn' | 'info'>;
}

const secondsBetweenTries = 3;

/**
 * Tries until it works, as long as it fails because a server is not there yet: those that start together start in any
 * order. Each failure is told. Throws StartError when the limit is over, and at once whatever waiting cannot mend.
 */
export async function patiently<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  const { what, limitSeconds, clock, log } = patience;
  const startedAt = clock.now();
  for (let waited = false; ; waited = true) {
    try {
      const result = await attempt();
      if (waited) log.info(`${what} is there`);
      return result;
    } catch (cause) {
      if (!isAway(cause)) throw cause;
      const seconds = Math.round((clock.now() - startedAt) / 1000);
      if (limitSeconds > 0 && seconds + secondsBetweenTries > limitSeconds)
        throw new StartError(
          `${messageOf(cause)}. It was tried for ${seconds} seconds; [ingot] start_patience says for how long.`,
          { cause },
        );
      log.warn(`${messageOf(cause)}; waiting for ${what} since ${seconds} s`);
    }
    await clock.sleep(secondsBetweenTries * 1000);
  }
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof TemporaryFailure || error instanceof BrokerAway || isAway(error.cause);
}
