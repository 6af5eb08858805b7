// What processes say to each other, over wires that lose, delay and are cut: calls to conductors, and signals.
import { NoValidHost, TemporaryFailure } from '#model/faults.ts';
import type {
  ConductorCallName,
  ConductorCalls,
  ConductorClient,
  ConductorHandlers,
  RequestContext,
} from '#protocol/rpc.ts';
import type { SignalBodies, SignalName, Signals } from '#protocol/signals.ts';
import type { Network } from './network.ts';
import type { Party } from './party.ts';
import type { SeededRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';

interface Served {
  readonly party: Party;
  readonly handlers: ConductorHandlers;
}

/** As [DEFAULT]rpc_response_timeout. */
const responseMilliseconds = 60_000;

export class Wires {
  /** Chance of a message to be lost. */
  loss = 0;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #random: SeededRandom;
  readonly #served = new Map<string, Served>();
  readonly #hearers = new Map<SignalName, Set<{ party: Party; hear: (body: never) => void }>>();

  constructor(scheduler: Scheduler, network: Network, random: SeededRandom) {
    this.#scheduler = scheduler;
    this.#network = network;
    this.#random = random;
  }

  serve(party: Party, handlers: ConductorHandlers): () => void {
    const served = { party, handlers };
    this.#served.set(party.name, served);
    return () => {
      if (this.#served.get(party.name) === served) this.#served.delete(party.name);
    };
  }

  /** The calls that one process makes. */
  clientOf(party: Party): ConductorClient {
    const call = async <Name extends ConductorCallName>(
      hostname: string,
      name: Name,
      args: ConductorCalls[Name]['args'],
      context: RequestContext,
    ): Promise<ConductorCalls[Name]['result']> =>
      await party.through(async () => await this.#call(party, hostname, name, args, context));
    return {
      call,
      callAny: async <Name extends 'get_driver_properties' | 'get_raid_logical_disk_properties'>(
        driver: string,
        name: Name,
        context: RequestContext,
      ) => {
        const [hostname] = this.#served.keys();
        if (hostname === undefined) throw new NoValidHost({ reason: 'no conductor is there' });
        return await call(hostname, name, { driver }, context);
      },
    };
  }

  /** The signals as one process hears and tells them. */
  signalsOf(party: Party): Signals {
    return {
      tell: (name, body) => {
        for (const { party: to, hear } of this.#hearers.get(name) ?? [])
          void this.#tell(party, to, hear, body);
      },
      on: (name, hear) => {
        const hearer = { party, hear };
        const hearers = this.#hearers.get(name) ?? new Set();
        this.#hearers.set(name, hearers.add(hearer));
        return () => hearers.delete(hearer);
      },
    };
  }

  /** A process that ended hears nothing any more. */
  forget(party: Party): void {
    for (const hearers of this.#hearers.values())
      for (const hearer of hearers) if (hearer.party === party) hearers.delete(hearer);
  }

  async #tell<Name extends SignalName>(
    from: Party,
    to: Party,
    hear: (body: never) => void,
    body: SignalBodies[Name],
  ): Promise<void> {
    await this.#network.travel();
    if (this.#isLost(from, to)) return;
    // `on` puts hearers under the name whose body they take.
    to.hear(() => (hear as (body: SignalBodies[Name]) => void)(body));
  }

  async #call<Name extends ConductorCallName>(
    from: Party,
    hostname: string,
    name: Name,
    args: ConductorCalls[Name]['args'],
    context: RequestContext,
  ): Promise<ConductorCalls[Name]['result']> {
    await this.#network.travel();
    const served = this.#served.get(hostname);
    if (!served || served.party.isDead) throw new TemporaryFailure(`No conductor ${hostname} answers`);
    return await new Promise((resolve, reject) => {
      const deadline = this.#scheduler.after(responseMilliseconds, () =>
        reject(new TemporaryFailure(`The conductor ${hostname} did not answer in time`)),
      );
      if (this.#isLost(from, served.party)) return;
      const reply = (settle: () => void): void => {
        void this.#network.travel().then(() => {
          if (served.party.isDead || this.#isLost(served.party, from)) return;
          deadline.cancel();
          settle();
        });
      };
      served.party.hear(() => {
        served.handlers[name](structuredClone(args), context).then(
          (result) => reply(() => resolve(structuredClone(result))),
          // A Fault as a rule, which crosses as it is.
          (error: unknown) => reply(() => reject(error)),
        );
      });
    });
  }

  /** Between processes everything goes by way of the broker. */
  #isLost(from: Party, to: Party): boolean {
    const isCut =
      this.#network.isCut(from.name, to.name) ||
      this.#network.isCut(from.name, 'broker') ||
      this.#network.isCut(to.name, 'broker');
    return isCut || (this.loss > 0 && this.#random.chance(this.loss));
  }
}
