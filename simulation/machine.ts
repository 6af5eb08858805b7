// A machine with its BMC, as a state machine: power, boot order, media, disks, and what runs on it.
import { type Disk, aDisk, blank } from './disk.ts';
import { SimulatedAgent } from './simulated-agent.ts';
import type { SeededRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Reply } from './simulated-api.ts';

/** What is wrong with a BMC for a while. */
export type BmcTrouble =
  | 'none'
  /** Never answers. */
  | 'silent'
  /** Takes up to half a minute for each answer. */
  | 'slow'
  /** Answers what makes no sense. */
  | 'garbage'
  /** Says that the machine is on when it is off. */
  | 'says on'
  /** Takes power actions, and does nothing. */
  | 'does nothing';

export interface Media {
  readonly parameters: Readonly<Record<string, string>>;
}

/** What a machine needs of the world around it. */
export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  trace(who: string, what: string): void;
  /** A request to the API from the machine; undefined when no answer came. */
  request(machine: Machine, method: string, url: string, body?: unknown): Promise<Reply | undefined>;
  /** A step that must not be repeated ran. */
  ranOnce(machine: Machine, operation: string, step: string): void;
  /** Heartbeats may come late, twice and out of order. */
  heartbeatsStray(): boolean;
}

export class Machine {
  readonly name: string;
  readonly mac: string;
  readonly disks: readonly Disk[];
  readonly root: Disk;
  trouble: BmcTrouble = 'none';
  power: 'on' | 'off' = 'off';
  media: Media | null = null;
  override: { device: 'cdrom' | 'disk' | 'pxe'; persistent: boolean } | null = null;
  agent: SimulatedAgent | null = null;
  setting = 'factory';
  readonly #world: Surroundings;
  /** Goes up when the machine starts or stops: what was on its way to happen in an earlier boot does not. */
  #boot = 0;

  constructor(world: Surroundings, index: number) {
    this.#world = world;
    this.name = `m${index}`;
    const hex = (index + 1).toString(16).padStart(4, '0');
    this.mac = `52:54:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`;
    this.disks = ['a', 'b', 'c'].map((letter) => aDisk(`${this.name}-${letter}`));
    const root = this.disks[1];
    if (!root) throw new Error('A machine has three disks');
    this.root = root;
  }

  get isErased(): boolean {
    return this.disks.every(({ content }) => content === blank);
  }

  /** What its BMC says. */
  get shownPower(): 'on' | 'off' {
    return this.trouble === 'says on' ? 'on' : this.power;
  }

  /** A power action reached the BMC. */
  reset(action: 'on' | 'off' | 'restart'): void {
    if (this.trouble === 'does nothing') return;
    const seconds = this.#world.random.between(0.2, 4);
    this.#world.scheduler.after(seconds * 1000, () => this.#reset(action));
  }

  /** The machine goes off by itself. */
  turnOff(): void {
    if (this.power === 'off') return;
    this.power = 'off';
    this.#stop();
    this.#world.trace(this.name, 'is off');
  }

  /** The agent ends; the ramdisk starts it anew, or the machine stays without. */
  loseAgent(comesBack: boolean): void {
    const { agent } = this;
    if (!agent) return;
    agent.end();
    this.agent = null;
    this.#world.trace(this.name, `its agent dies${comesBack ? ', and comes back' : ''}`);
    if (comesBack) this.#startAgent(agent.parameters, this.#world.random.between(10, 60));
  }

  #reset(action: 'on' | 'off' | 'restart'): void {
    if (action === 'off') return this.turnOff();
    if (action === 'on' && this.power === 'on') return;
    this.#stop();
    this.power = 'on';
    this.#start();
  }

  #start(): void {
    const { override, media } = this;
    if (override && !override.persistent) this.override = null;
    if (override?.device === 'cdrom' && media) {
      this.#world.trace(this.name, 'starts from its medium');
      return this.#startAgent(media.parameters, this.#world.random.between(40, 180));
    }
    this.#world.trace(this.name, `starts from its disk: ${this.root.content}`);
  }

  #startAgent(parameters: Media['parameters'], seconds: number): void {
    const boot = this.#boot;
    this.#world.scheduler.after(seconds * 1000, () => {
      if (boot !== this.#boot) return;
      this.agent = new SimulatedAgent(this.#world, this, parameters);
      this.agent.start();
    });
  }

  #stop(): void {
    this.#boot += 1;
    this.agent?.end();
    this.agent = null;
  }
}
