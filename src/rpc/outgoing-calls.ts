import type { Clock } from '#model/clock.ts';
import { faultFromWire } from '#model/fault-wire.ts';
import { TemporaryFailure } from '#model/faults.ts';
import type { CallOutcome } from './call-body.ts';
import type { CallLimits } from './call-limits.ts';

/** The calls a process makes, whatever carries them: no more at once than it may, none longer than the deadline. */
export class OutgoingCalls {
  readonly #limits: CallLimits;
  readonly #clock: Clock;
  #underWay = 0;

  constructor(limits: CallLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Makes a call and gives its result, or throws its fault; TemporaryFailure when there is none by the deadline. */
  async make(to: string, carry: (deadline: number) => Promise<CallOutcome>): Promise<unknown> {
    const { callsAtOnce, responseMilliseconds } = this.#limits;
    if (this.#underWay >= callsAtOnce)
      throw new TemporaryFailure(`${callsAtOnce} calls of conductors are under way; please retry later.`);
    const over = new AbortController();
    this.#underWay += 1;
    try {
      const deadline = this.#clock.now() + responseMilliseconds;
      const outcome = await Promise.race([carry(deadline), this.#expiry(to, over.signal)]);
      if (outcome.kind === 'fault') throw faultFromWire(outcome.fault);
      return outcome.result;
    } finally {
      this.#underWay -= 1;
      over.abort();
    }
  }

  async #expiry(to: string, signal: AbortSignal): Promise<never> {
    const { responseMilliseconds } = this.#limits;
    await this.#clock.sleep(responseMilliseconds, signal);
    throw new TemporaryFailure(
      `${to} did not answer within ${responseMilliseconds / 1000} s; what was asked may or may not have been accepted.`,
    );
  }
}
