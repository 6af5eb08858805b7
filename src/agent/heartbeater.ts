// Keeps the API knowing that this agent lives, and calls it at once when a command has ended.
import type { Clock } from '#model/clock.ts';
import type { Log } from './log.ts';

export interface Heartbeater {
  /** Sends heartbeats until the signal is aborted. Never fails: an API that is away is asked again. */
  run(signal: AbortSignal): Promise<void>;
  /** Asks for a heartbeat now, or as soon as the least gap allows. */
  force(): void;
}

interface Parts {
  readonly send: (signal: AbortSignal) => Promise<void>;
  /** Within which the API wants to hear of us. */
  timeoutSeconds: number;
  /** The least time between two heartbeats. */
  minGapSeconds: number;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** The timing is ironic-python-agent's (spec agent-api.json#/agent_side/heartbeat_timing). */
export function createHeartbeater({
  send,
  timeoutSeconds,
  minGapSeconds,
  clock,
  random,
  log,
}: Parts): Heartbeater {
  let isForced = false;
  let wake = new AbortController();

  async function sendOne(signal: AbortSignal, hadFailed: boolean): Promise<boolean> {
    try {
      await send(signal);
      if (hadFailed) log.info('the API takes heartbeats again');
      return true;
    } catch (error) {
      if (!signal.aborted && !hadFailed) log.warning('heartbeat failed, will be repeated', error);
      return false;
    }
  }

  /** Sleeps; true when that was cut short by force(). */
  async function sleep(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    wake = new AbortController();
    if (isForced) return true;
    try {
      await clock.sleep(milliseconds, AbortSignal.any([signal, wake.signal]));
      return false;
    } catch {
      return !signal.aborted;
    }
  }

  return {
    force() {
      isForced = true;
      wake.abort();
    },
    async run(signal) {
      let hasFailed = false;
      while (!signal.aborted) {
        isForced = false;
        const began = clock.now();
        hasFailed = !(await sendOne(signal, hasFailed));
        const pause = hasFailed
          ? minGapSeconds * (1 + random())
          : Math.max(minGapSeconds, timeoutSeconds * (0.3 + 0.3 * random()));
        if (!(await sleep(pause * 1000, signal))) continue;
        const rest = minGapSeconds * 1000 - (clock.now() - began);
        if (rest > 0) await clock.sleep(rest, signal).catch(() => {}); // the loop looks at the signal
      }
    },
  };
}
