// Stops asking a controller that cannot be reached, so that its node fails at once instead of after every limit again.
import type { Clock } from './clock.ts';
import { BmcCircuitOpen } from './errors.ts';

export interface CircuitBreakerOptions {
  /** So many attempts in a row that got no answer open the circuit. */
  breakerFailures: number;
  /** So long it stays open; then one attempt is let through, and decides. */
  breakerOpenSeconds: number;
}

export type AttemptOutcome = 'answered' | 'unanswered' | 'abandoned';

/** What is known of reaching a controller, without asking it. */
export interface BreakerState {
  /** Attempts in a row that got no answer. */
  failures: number;
  /** Until when the controller is left alone, in milliseconds since the epoch; null while it is asked. */
  openUntil: number | null;
  /** Why the last of these attempts got no answer. */
  lastFailure: string | null;
}

export class CircuitBreaker {
  readonly #address: string;
  readonly #clock: Clock;
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  #openUntil = 0;
  #isProbing = false;
  #lastFailure: unknown;

  constructor(address: string, clock: Clock, options: CircuitBreakerOptions) {
    this.#address = address;
    this.#clock = clock;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#failures >= this.#options.breakerFailures;
  }

  get state(): BreakerState {
    const { message } = this.#lastFailure instanceof Error ? this.#lastFailure : { message: null };
    return {
      failures: this.#failures,
      openUntil: this.isOpen ? this.#openUntil : null,
      lastFailure: message,
    };
  }

  /**
   * Asks to make an attempt and gives the function to tell its outcome with. Throws BmcCircuitOpen while the circuit
   * is open, or while the one attempt that may close it is under way.
   */
  begin(): (outcome: AttemptOutcome, failure?: unknown) => void {
    const isProbe = this.isOpen;
    if (isProbe) {
      const wait = this.#openUntil - this.#clock.now();
      if (wait > 0 || this.#isProbing) {
        const cause = this.#lastFailure;
        throw new BmcCircuitOpen(this.#address, this.#failures, Math.max(wait, 0), { cause });
      }
      this.#isProbing = true;
    }
    return (outcome, failure) => {
      if (isProbe) this.#isProbing = false;
      if (outcome === 'abandoned') return;
      if (outcome === 'answered') {
        this.#failures = 0;
        this.#lastFailure = undefined;
        return;
      }
      this.#failures += 1;
      this.#lastFailure = failure;
      if (this.isOpen) this.#openUntil = this.#clock.now() + this.#options.breakerOpenSeconds * 1000;
    };
  }
}
