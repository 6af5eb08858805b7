// What goes wrong: a row each, by chance from the seed.
import type { BmcTrouble, Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { SeededRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedApi } from './simulated-api.ts';
import type { SimulatedConductor } from './simulated-conductor.ts';
import type { SimulatedStore } from './simulated-store.ts';
import type { Wires } from './simulated-wires.ts';

export interface ChaosWorld {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly wires: Wires;
  readonly store: SimulatedStore;
  /** When the database's machine fails, what it answered for in its last seconds is lost. */
  readonly losesCommits: boolean;
  readonly conductors: readonly SimulatedConductor[];
  readonly apis: readonly SimulatedApi[];
  readonly machines: readonly Machine[];
  trace(who: string, what: string): void;
  /** Something may have been lost. */
  remember(): void;
}

type Range = readonly [fromSeconds: number, toSeconds: number];

const misfortunes: readonly (readonly [weight: number, befall: (chaos: Chaos) => void])[] = [
  [3, (chaos) => chaos.conductor().kill(chaos.seconds([1, 150]))],
  // Not at any time, but when so many more things have reached it: in the middle of what it does.
  [6, (chaos) => chaos.doom({ kind: 'dies', restartSeconds: chaos.seconds([1, 150]) })],
  [2, (chaos) => chaos.conductor().freeze(chaos.seconds([3, 180]) * 1000)],
  [4, (chaos) => chaos.doom({ kind: 'freezes', milliseconds: chaos.seconds([30, 180]) * 1000 })],
  [2, (chaos) => chaos.leaveAndJoin()],
  [4, (chaos) => chaos.cut(chaos.conductor().hostname, 'store', [5, 200])],
  [2, (chaos) => chaos.cut(chaos.conductor().hostname, 'broker', [5, 120])],
  [2, (chaos) => chaos.cut(chaos.conductor().hostname, 'machines', [5, 300])],
  [4, (chaos) => chaos.cut(chaos.conductor().hostname, chaos.machine().name, [5, 600])],
  [1, (chaos) => chaos.cut(chaos.api().name, chaos.conductor().hostname, [5, 120])],
  [1, (chaos) => chaos.cut(chaos.api().name, 'store', [5, 60])],
  [1, (chaos) => chaos.cut(chaos.api().name, 'machines', [5, 200])],
  [3, (chaos) => chaos.cut(chaos.api().name, chaos.machine().name, [5, 600])],
  [2, (chaos) => chaos.moveStore()],
  [2, (chaos) => chaos.loseMessages()],
  [2, (chaos) => chaos.restartApi()],
  [10, (chaos) => chaos.troubleBmc()],
  [8, (chaos) => chaos.loseAgent()],
  [2, (chaos) => chaos.machine().turnOff()],
];

const troubles: readonly BmcTrouble[] = ['silent', 'slow', 'garbage', 'says on', 'does nothing'];

/** Brings misfortune upon the world until it is healed. */
export class Chaos {
  readonly #world: ChaosWorld;
  readonly #meanSeconds: number;
  /** How each misfortune that lasts is ended. */
  readonly #remedies = new Set<() => void>();
  #isOver = false;

  constructor(world: ChaosWorld, meanSeconds: number) {
    this.#world = world;
    this.#meanSeconds = meanSeconds;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  start(): void {
    const { scheduler, random } = this.#world;
    scheduler.after(random.spacing(this.#meanSeconds) * 1000, () => {
      if (this.#isOver) return;
      random.weigh(misfortunes)(this);
      this.start();
    });
  }

  /** From here on nothing fails, and everybody is there. */
  heal(): void {
    this.#isOver = true;
    this.#world.trace('chaos', 'ends');
    for (const remedy of this.#remedies) remedy();
    for (const conductor of this.#world.conductors) {
      conductor.party?.spare();
      conductor.start();
    }
  }

  seconds([from, to]: Range): number {
    return this.#world.random.between(from, to);
  }

  conductor(): SimulatedConductor {
    return this.#world.random.pick(this.#world.conductors);
  }

  api(): SimulatedApi {
    return this.#world.random.pick(this.#world.apis);
  }

  machine(): Machine {
    return this.#world.random.pick(this.#world.machines);
  }

  doom(fate: Parameters<NonNullable<SimulatedConductor['party']>['doom']>[1]): void {
    this.conductor().party?.doom(this.#world.random.below(400), fate);
  }

  leaveAndJoin(): void {
    const conductor = this.conductor();
    conductor.leave();
    this.#lasts([10, 400], () => conductor.start());
  }

  cut(a: string, b: string, range: Range): void {
    this.#world.trace('chaos', `${a} and ${b} are cut off from each other`);
    const mend = this.#world.network.cut(a, b);
    this.#lasts(range, () => {
      this.#world.trace('chaos', `${a} and ${b} reach each other again`);
      mend();
    });
  }

  moveStore(): void {
    const { store, scheduler, losesCommits } = this.#world;
    const copy = losesCommits ? store.snapshot() : undefined;
    scheduler.after(this.seconds([1, 8]) * 1000, () => {
      this.#world.trace('chaos', 'the machine of the database fails');
      store.isDown = true;
      if (copy !== undefined) store.bringBack(copy);
      this.#world.remember();
      this.#lasts([1, 40], () => {
        this.#world.trace('chaos', 'the database is there again');
        store.isDown = false;
      });
    });
  }

  loseMessages(): void {
    const { wires } = this.#world;
    wires.loss = 0.1;
    this.#lasts([20, 120], () => (wires.loss = 0));
  }

  restartApi(): void {
    const api = this.api();
    if (!api.isUp) return;
    this.#world.trace(api.name, 'dies');
    api.kill();
    this.#lasts([1, 30], () => void api.start());
  }

  troubleBmc(): void {
    const { random, machines } = this.#world;
    const trouble = random.pick(troubles);
    const count = random.chance(0.1) ? Math.ceil(machines.length / 4) : 1 + random.below(3);
    for (let one = 0; one < count; one += 1) {
      const machine = random.pick(machines);
      if (machine.trouble !== 'none') continue;
      this.#world.trace(machine.name, `its BMC: ${trouble}`);
      machine.trouble = trouble;
      this.#lasts([20, 900], () => (machine.trouble = 'none'));
    }
  }

  loseAgent(): void {
    const { random, machines } = this.#world;
    const running = machines.filter(({ agent }) => agent !== null);
    if (running.length > 0) random.pick(running).loseAgent(random.chance(0.5));
  }

  #lasts(range: Range, end: () => void): void {
    const remedy = (): void => {
      if (this.#remedies.delete(remedy)) end();
    };
    this.#remedies.add(remedy);
    this.#world.scheduler.after(this.seconds(range) * 1000, remedy);
  }
}
