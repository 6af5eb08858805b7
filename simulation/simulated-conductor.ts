import { type Conductor, startConductor } from '#conductor/conductor.ts';
import type { GivenParts } from '#conductor/parts.ts';
import { type Fate, Party } from './party.ts';
import type { Scheduler } from './scheduler.ts';
import type { Wires } from './simulated-wires.ts';

/** Seconds after which whoever watches over a conductor starts it anew when it could not begin. */
const startAgainSeconds = 5;

export interface ConductorWorld {
  readonly scheduler: Scheduler;
  readonly wires: Wires;
  trace(who: string, what: string): void;
  partsOf(party: Party): GivenParts;
}

/** A host with a conductor on it, and what watches over that: it starts it again when it ended. */
export class SimulatedConductor {
  readonly hostname: string;
  readonly #skew: number;
  readonly #world: ConductorWorld;
  #party: Party | undefined;
  #conductor: Conductor | undefined;
  #isWanted = false;
  #lives = 0;

  constructor(world: ConductorWorld, hostname: string, skew: number) {
    this.#world = world;
    this.hostname = hostname;
    this.#skew = skew;
  }

  get party(): Party | undefined {
    return this.#party;
  }

  get isAtWork(): boolean {
    return this.#conductor !== undefined && this.#party?.isUp === true;
  }

  start(): void {
    if (this.#party) return;
    this.#isWanted = true;
    this.#lives += 1;
    const { scheduler, wires } = this.#world;
    const party = new Party(scheduler, this.hostname, this.#skew, (fate) => this.#meet(fate));
    this.#party = party;
    this.#world.trace(this.hostname, `starts, life ${this.#lives}`);
    startConductor(this.#world.partsOf(party)).then(
      (conductor) => {
        if (party.isDead) return;
        this.#conductor = conductor;
        wires.serve(party, conductor.handlers);
        this.#world.trace(this.hostname, 'is at work');
        void conductor.lost?.then(() => this.#endsItself(party, 'lost its name'));
      },
      (error: unknown) => this.#endsItself(party, `could not start: ${String(error)}`),
    );
  }

  /** SIGKILL, or worse. */
  kill(restartSeconds: number): void {
    const party = this.#party;
    if (!party) return;
    this.#world.trace(this.hostname, 'dies');
    this.#end(party);
    this.#world.scheduler.after(restartSeconds * 1000, () => {
      if (this.#isWanted) this.start();
    });
  }

  /** SIGTERM. Whoever told it so starts it again. */
  leave(): void {
    const [party, conductor] = [this.#party, this.#conductor];
    if (!party || !conductor) return;
    this.#isWanted = false;
    this.#conductor = undefined;
    this.#world.trace(this.hostname, 'is told to leave');
    const left = (): void => {
      this.#world.trace(this.hostname, 'has left');
      this.#end(party);
    };
    conductor.stop().then(left, left);
    // What does not end in time is ended.
    this.#world.scheduler.after(200_000, () => {
      if (this.#party === party) left();
    });
  }

  /** SIGSTOP, and SIGCONT after the time. */
  freeze(milliseconds: number): void {
    const party = this.#party;
    if (!party) return;
    this.#world.trace(this.hostname, `freezes for ${Math.round(milliseconds / 1000)} s`);
    party.freeze();
    this.#world.scheduler.after(milliseconds, () => {
      if (party.isDead) return;
      this.#world.trace(this.hostname, 'wakes');
      party.thaw();
    });
  }

  #meet(fate: Fate): void {
    switch (fate.kind) {
      case 'dies':
        return this.kill(fate.restartSeconds);
      case 'freezes':
        return this.freeze(fate.milliseconds);
    }
  }

  #endsItself(party: Party, why: string): void {
    if (party.isDead) return;
    this.#world.trace(this.hostname, why);
    this.#end(party);
    this.#world.scheduler.after(startAgainSeconds * 1000, () => {
      if (this.#isWanted) this.start();
    });
  }

  #end(party: Party): void {
    party.die();
    this.#world.wires.forget(party);
    if (this.#party !== party) return;
    this.#party = undefined;
    this.#conductor = undefined;
  }
}
