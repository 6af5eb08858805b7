import type { Clock } from '#model/clock.ts';
import { NoValidHost, TemporaryFailure } from '#model/faults.ts';
import { HashRing } from '#model/hash-ring.ts';
import type { Signals } from '#protocol/signals.ts';
import { type ConductorRecord, isAlive, readConductors } from './conductors.ts';
import type { Reader } from './store.ts';

export interface RingSettings {
  partitionExponent: number;
  algorithm: string;
  /** How long a view of the conductors is used before it is read again. */
  resetIntervalSeconds: number;
  heartbeatTimeoutSeconds: number;
}

/** What decides which conductor a node belongs to. */
export interface NodePlace {
  uuid: string;
  driver: string;
  conductor_group: string;
}

const neverRead = Number.NEGATIVE_INFINITY;

/** Which live conductor is responsible for a node: one hash ring for each conductor group and hardware type. */
export class Ring {
  readonly #reader: Reader;
  readonly #settings: RingSettings;
  readonly #clock: Clock;
  #alive: readonly ConductorRecord[] = [];
  #goodUntil = neverRead;
  #reading: Promise<void> | undefined;
  #changes = 0;
  #rings = new Map<string, HashRing>();

  constructor(reader: Reader, settings: RingSettings, clock: Clock) {
    this.#reader = reader;
    this.#settings = settings;
    this.#clock = clock;
  }

  /**
   * The host name of the node's conductor. Throws NoValidHost when no live conductor of its group has its
   * hardware type, TemporaryFailure when none is alive at all.
   */
  async hostFor(node: NodePlace): Promise<string> {
    const host = await this.findHost(node);
    if (host !== undefined) return host;
    this.invalidate();
    const afterReading = await this.findHost(node);
    if (afterReading !== undefined) return afterReading;
    if (this.#alive.length === 0) throw new TemporaryFailure('No conductor is alive to take the request');
    throw new NoValidHost({
      reason: `no live conductor of the group '${node.conductor_group}' has the hardware type ${node.driver}`,
    });
  }

  /** As `hostFor`, but undefined where that throws. */
  async findHost(node: NodePlace): Promise<string | undefined> {
    return (await this.finder())(node);
  }

  /** `findHost` for many nodes at once, as the conductors are known now; for no longer than one answer takes. */
  async finder(): Promise<(node: NodePlace) => string | undefined> {
    await this.#refresh();
    return (node) => this.#hostOf(node);
  }

  #hostOf(node: NodePlace): string | undefined {
    const key = `${node.conductor_group}:${node.driver}`;
    let ring = this.#rings.get(key);
    if (!ring) {
      const hosts = this.#alive
        .filter((one) => one.conductor_group === node.conductor_group && one.drivers.includes(node.driver))
        .map((one) => one.hostname);
      ring = new HashRing(hosts, this.#settings);
      this.#rings.set(key, ring);
    }
    return ring.hostOf(node.uuid);
  }

  /** The live conductors that have a hardware type. */
  async hostsWith(driver: string): Promise<string[]> {
    await this.#refresh();
    return this.#alive.filter((one) => one.drivers.includes(driver)).map((one) => one.hostname);
  }

  /** Forgets what is known: a conductor joined or left, or could not be reached. */
  invalidate(): void {
    this.#goodUntil = neverRead;
    this.#changes += 1;
  }

  /** Forgets what is known whenever conductors tell that they join or leave, until the function given back is called. */
  follow(signals: Signals): () => void {
    return signals.on('conductors.changed', () => this.invalidate());
  }

  async #refresh(): Promise<void> {
    if (this.#clock.now() < this.#goodUntil) return;
    do {
      this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
      await this.#reading;
    } while (this.#goodUntil === neverRead);
  }

  async #read(): Promise<void> {
    const changes = this.#changes;
    const conductors = await readConductors(this.#reader);
    // What was read may be older than what was said to have changed meanwhile.
    if (changes !== this.#changes) return;
    this.#alive = conductors.filter((one) =>
      isAlive(one, this.#settings.heartbeatTimeoutSeconds, this.#clock),
    );
    this.#rings = new Map();
    this.#goodUntil = this.#clock.now() + this.#settings.resetIntervalSeconds * 1000;
    // One that is silent leaves the ring when its time is over, not at the next reading after that.
    for (const { updated_at } of this.#alive)
      this.#goodUntil = Math.min(
        this.#goodUntil,
        Date.parse(updated_at) + this.#settings.heartbeatTimeoutSeconds * 1000 + 1,
      );
  }
}
