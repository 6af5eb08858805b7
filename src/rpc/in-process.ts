import type { Settings } from '#config/settings.ts';
import type { Clock } from '#model/clock.ts';
import type { Log } from '#model/log.ts';
import {
  type ConductorCallName,
  type ConductorCalls,
  type ConductorClient,
  type ConductorHandlers,
  type ConductorServer,
  type DriverCallName,
  NotDelivered,
  type RequestContext,
  rpcVersion,
  type ServedConductor,
} from '#protocol/rpc.ts';
import {
  type CallBody,
  type CallOutcome,
  readCall,
  readOutcome,
  writeCall,
  writeOutcome,
} from './call-body.ts';
import { CallDesk } from './call-desk.ts';
import { callLimits, type CallLimits } from './call-limits.ts';
import { OutgoingCalls } from './outgoing-calls.ts';

interface Served {
  readonly desk: CallDesk;
  readonly hardwareTypes: readonly string[];
}

/** Carries calls to the conductors of this very process, as a broker would: copied, limited, with a deadline. */
export class InProcessTransport implements ConductorClient, ConductorServer {
  readonly #limits: CallLimits;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #calls: OutgoingCalls;
  readonly #conductors = new Map<string, Served>();

  constructor({ settings, clock, log }: { settings: Settings; clock: Clock; log: Log }) {
    this.#limits = callLimits(settings);
    this.#clock = clock;
    this.#log = log;
    this.#calls = new OutgoingCalls(this.#limits, clock);
  }

  async serve(
    { hostname, hardwareTypes }: { hostname: string; hardwareTypes: readonly string[] },
    handlers: ConductorHandlers,
  ): Promise<ServedConductor> {
    const desk = new CallDesk({
      hostname,
      handlers,
      limits: this.#limits,
      clock: this.#clock,
      log: this.#log,
    });
    const served: Served = { desk, hardwareTypes };
    this.#conductors.set(hostname, served);
    return {
      stop: async () => {
        if (this.#conductors.get(hostname) === served) this.#conductors.delete(hostname);
        await desk.idle();
      },
    };
  }

  async call<Name extends ConductorCallName>(
    hostname: string,
    name: Name,
    args: ConductorCalls[Name]['args'],
    context: RequestContext,
  ): Promise<ConductorCalls[Name]['result']> {
    const to = `The conductor ${hostname}`;
    return await this.#make(to, this.#conductors.get(hostname), name, { args: { ...args }, context });
  }

  async callAny<Name extends DriverCallName>(
    hardwareType: string,
    name: Name,
    context: RequestContext,
  ): Promise<ConductorCalls[Name]['result']> {
    const served = [...this.#conductors.values()].find((each) => each.hardwareTypes.includes(hardwareType));
    const to = `A conductor with the hardware type ${hardwareType}`;
    return await this.#make(to, served, name, { args: { driver: hardwareType }, context });
  }

  async #make<Name extends ConductorCallName>(
    to: string,
    served: Served | undefined,
    name: Name,
    body: CallBody,
  ): Promise<ConductorCalls[Name]['result']> {
    const result = await this.#calls.make(to, async (deadline) => {
      if (!served) throw new NotDelivered(`${to} is not in this process.`);
      const text = writeCall(body, this.#limits);
      const call = { version: rpcVersion, name, deadline, body: async () => readCall(text) };
      return await this.#outcomeOf(served.desk, call);
    });
    // What the handler of this name gave, copied.
    return result as ConductorCalls[Name]['result'];
  }

  async #outcomeOf(desk: CallDesk, call: Parameters<CallDesk['take']>[0]): Promise<CallOutcome> {
    const { promise, resolve } = Promise.withResolvers<string>();
    await desk.take(call, async (outcome) => resolve(writeOutcome(outcome, this.#limits)));
    return readOutcome(await promise);
  }
}
