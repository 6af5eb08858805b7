import {
  type ConductorRecord,
  dismissOthers,
  isSilent,
  readConductors,
  registerConductor,
  touchConductor,
} from '#db/conductors.ts';
import type { ConductorParts } from '../parts.ts';
import { leaseMilliseconds } from './lease.ts';

/** Another process is at work under this conductor's name. */
export class ConductorNameTaken extends Error {
  constructor(hostname: string) {
    super(
      `Another conductor is at work under the name ${hostname}, and two of one name would undo each other's work: ` +
        'end it, or give this one another name ([DEFAULT] host).',
    );
    this.name = 'ConductorNameTaken';
  }
}

/**
 * How a conductor stands. `leaving`: it ends what it is at and takes nothing new. `gone`: it said goodbye, or is dead.
 * `silent`: not heard of for too long, which may be the fault of whoever listens: nothing is taken from it yet.
 */
export type Standing = 'alive' | 'leaving' | 'silent' | 'gone';

/** So many of its heartbeats an earlier life of the same name is given to show that it is not over. */
const heartbeatsWatched = 1.5;
const looksPerHeartbeat = 4;
/** A sign of life that comes later than so many intervals after the last leaves a gap. */
const latestSign = 2;

/**
 * This conductor among the others: known to them while it lives, and knowing which of them do. It takes another for
 * dead only when its own signs of life came through without a gap for as long as one may be silent: whoever lives
 * could have given one too. So an outage of the store, or of this process alone, condemns nobody. Nor does a clock that
 * is behind: the time that the last sign tells counts only together with how long no other was seen to follow it.
 */
export class Membership {
  readonly #parts: ConductorParts;
  readonly #life: string;
  readonly #lost = Promise.withResolvers<Error>();
  #isLost = false;
  #steadySince = Number.POSITIVE_INFINITY;
  #lastSign = Number.NEGATIVE_INFINITY;
  /** Who was there at the last look; empty before the first. */
  #known = '';
  /** The last sign of life of each that was seen, and since when by this conductor's own clock. */
  #signs = new Map<string, { readonly stamp: string; readonly since: number }>();

  constructor(parts: ConductorParts) {
    this.#parts = parts;
    this.#life = parts.random.uuid();
  }

  /** Resolves, if ever, when the name went to another process: this one may do nothing further. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /**
   * Waits until no earlier life of the name can be at work. One that was heard of lately is given the time to show
   * itself; one that does is alive: throws ConductorNameTaken, with nothing changed.
   */
  async claimName(signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#parts;
    if (this.#parts.isAlone) return;
    const { heartbeat_interval: interval } = settings.conductor;
    const seen = await this.#readOwn();
    if (!seen?.online || isSilent(seen, interval * heartbeatsWatched, clock)) return;
    for (let look = 0; look < heartbeatsWatched * looksPerHeartbeat; look += 1) {
      await clock.sleep((interval * 1000) / looksPerHeartbeat, signal);
      const now = await this.#readOwn();
      if (!now?.online) return;
      if (now.updated_at !== seen.updated_at) throw new ConductorNameTaken(this.#parts.hostname);
    }
  }

  /** Ensures that the others know this conductor, and hear of it. May be repeated. */
  async register(): Promise<void> {
    const { hostname, settings, registry, clock, store, isAlone } = this.#parts;
    const { conductor_group: conductorGroup } = settings.conductor;
    const interfaces = registry.registrations();
    await store.write(async (transaction) => {
      const own = { hostname, life: this.#life, conductorGroup, interfaces };
      await registerConductor(transaction, own, clock);
      if (isAlone) await dismissOthers(transaction, hostname);
    });
    this.#tell(true);
  }

  /**
   * Gives a sign of life, and looks who else does. True when somebody came or went since the last look. When another
   * life has the name, this one is lost.
   */
  async keepAlive(): Promise<boolean> {
    const { clock } = this.#parts;
    const from = clock.now();
    try {
      await this.#touch({});
    } catch (error) {
      this.#steadySince = Number.POSITIVE_INFINITY;
      throw error;
    }
    this.#noteSign(from);
    return await this.#look();
  }

  /** Tells that this conductor takes nothing new; it goes on giving signs of life. */
  async leave(): Promise<void> {
    await this.#touch({ leaving: true });
    this.#tell(false);
  }

  /** Tells that nobody is there any more. */
  async sayGoodbye(): Promise<void> {
    await this.#touch({ online: false });
    this.#tell(false);
  }

  /** How each conductor stands, by its name. One that nobody knows is gone. */
  async standings(): Promise<(hostname: string) => Standing> {
    const known = new Map((await this.#readAll()).map((one) => [one.hostname, one]));
    return (hostname) => this.#standingOf(known.get(hostname));
  }

  async #look(): Promise<boolean> {
    const standings = (await this.#readAll()).map((one) => `${one.hostname} ${this.#standingOf(one)}`);
    // Whether this one may judge is part of what decides about those who are absent.
    const known = JSON.stringify([this.#mayJudge, standings.toSorted()]);
    const hasChanged = this.#known !== '' && this.#known !== known;
    this.#known = known;
    if (hasChanged) this.#parts.ring.invalidate();
    return hasChanged;
  }

  #standingOf(one: ConductorRecord | undefined): Standing {
    const { settings, clock } = this.#parts;
    if (!one) return this.#mayJudge ? 'gone' : 'silent';
    if (!one.online) return 'gone';
    if (isSilent(one, settings.conductor.heartbeat_timeout, clock))
      return this.#mayJudge && this.#isLapsed(one) ? 'gone' : 'silent';
    return one.leaving ? 'leaving' : 'alive';
  }

  get #mayJudge(): boolean {
    const { settings, clock } = this.#parts;
    return clock.now() - this.#steadySince >= settings.conductor.heartbeat_timeout * 1000;
  }

  /** Whether its lease is over by this conductor's own clock: no other sign of life followed for that long. */
  #isLapsed({ hostname }: ConductorRecord): boolean {
    const { settings, clock } = this.#parts;
    const sign = this.#signs.get(hostname);
    const length = leaseMilliseconds(settings.conductor.heartbeat_timeout);
    return sign !== undefined && clock.now() - sign.since >= length;
  }

  async #readAll(): Promise<ConductorRecord[]> {
    const { clock, store } = this.#parts;
    const all = await readConductors(store.read);
    const now = clock.now();
    for (const { hostname, updated_at: stamp } of all) {
      const seen = this.#signs.get(hostname);
      // A clock that was set back says nothing of how long it was.
      if (seen?.stamp !== stamp || seen.since > now) this.#signs.set(hostname, { stamp, since: now });
    }
    return all;
  }

  #noteSign(at: number): void {
    const { heartbeat_interval: interval } = this.#parts.settings.conductor;
    const isLate = at - this.#lastSign > latestSign * interval * 1000;
    if (isLate || this.#steadySince > at) this.#steadySince = at;
    this.#lastSign = at;
  }

  async #readOwn(): Promise<ConductorRecord | undefined> {
    const { hostname, store } = this.#parts;
    return (await readConductors(store.read)).find((one) => one.hostname === hostname);
  }

  async #touch(state: Parameters<typeof touchConductor>[2]): Promise<void> {
    if (this.#isLost) return;
    const { hostname, store, clock } = this.#parts;
    const own = { hostname, life: this.#life };
    const isOurs = await store.write(
      async (transaction) => await touchConductor(transaction, own, state, clock),
    );
    if (isOurs) return;
    this.#isLost = true;
    this.#lost.resolve(new ConductorNameTaken(hostname));
  }

  #tell(online: boolean): void {
    const { signals, hostname, ring } = this.#parts;
    ring.invalidate();
    signals.tell('conductors.changed', { hostname, online });
  }
}
