import {
  errors,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import type { Settings } from '#config/settings.ts';
import type { Clock } from '#model/clock.ts';
import { TemporaryFailure } from '#model/faults.ts';
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
import type { Broker } from './broker.ts';
import {
  type CallBody,
  type CallOutcome,
  readCall,
  readOutcome,
  writeCall,
  writeOutcome,
} from './call-body.ts';
import { CallDesk, type IncomingCall } from './call-desk.ts';
import { callLimits, type CallLimits } from './call-limits.ts';
import { OutgoingCalls } from './outgoing-calls.ts';
import { pack, unpack } from './parcel.ts';

const header = { version: 'Ingot-Version', call: 'Ingot-Call', deadline: 'Ingot-Deadline' } as const;

/** Where a call goes: a subject, and who listens there, in words. */
interface Destination {
  readonly subject: string;
  readonly who: string;
}

/** Carries calls over the broker: a subject for each conductor, and one that those of a hardware type share. */
export class NatsTransport implements ConductorClient, ConductorServer {
  readonly #broker: Broker;
  readonly #limits: CallLimits;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #calls: OutgoingCalls;

  constructor(parts: { broker: Broker; settings: Settings; clock: Clock; log: Log }) {
    this.#broker = parts.broker;
    this.#limits = callLimits(parts.settings);
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#calls = new OutgoingCalls(this.#limits, parts.clock);
  }

  /** Resolves when the broker knows of it. What is said of host names holds: no two conductors have the same. */
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
    const { connection, subjects } = this.#broker;
    const listen = (subject: string, queue?: string): Subscription =>
      connection.subscribe(subject, {
        ...(queue !== undefined && { queue }),
        callback: (error, message) => {
          if (error) this.#log.error({ err: error, subject }, 'the broker lets no calls be heard');
          else void this.#take(desk, message);
        },
      });
    const subscriptions = [
      listen(subjects.conductor(hostname)),
      ...hardwareTypes.map((type) => listen(subjects.hardwareType(type), 'conductors')),
    ];
    await flushed(connection);
    return {
      stop: async () => {
        const open = subscriptions.filter((each) => !each.isClosed());
        if (!connection.isClosed()) await Promise.all(open.map(async (each) => await each.drain()));
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
    const to = { subject: this.#broker.subjects.conductor(hostname), who: `The conductor ${hostname}` };
    return await this.#make(to, name, { args: { ...args }, context });
  }

  async callAny<Name extends DriverCallName>(
    hardwareType: string,
    name: Name,
    context: RequestContext,
  ): Promise<ConductorCalls[Name]['result']> {
    const to = {
      subject: this.#broker.subjects.hardwareType(hardwareType),
      who: `A conductor with the hardware type ${hardwareType}`,
    };
    return await this.#make(to, name, { args: { driver: hardwareType }, context });
  }

  async #make<Name extends ConductorCallName>(
    to: Destination,
    name: Name,
    body: CallBody,
  ): Promise<ConductorCalls[Name]['result']> {
    const result = await this.#calls.make(to.who, async (deadline) => {
      using connectionLost = this.#untilLost(to);
      return await Promise.race([this.#send(to, name, body, deadline), connectionLost.promise]);
    });
    // What the handler of this name gave.
    return result as ConductorCalls[Name]['result'];
  }

  async #send(to: Destination, name: string, body: CallBody, deadline: number): Promise<CallOutcome> {
    using parcel = await pack(this.#broker, writeCall(body, this.#limits));
    const { payload, headers } = parcel;
    headers.set(header.version, String(rpcVersion));
    headers.set(header.call, name);
    headers.set(header.deadline, String(deadline));
    // The client would keep it and send it some time later.
    if (!this.#broker.isConnected) throw new NotDelivered(`${to.who} cannot be reached: the broker is away.`);
    try {
      const timeout = this.#limits.responseMilliseconds;
      const answer = await this.#broker.connection.request(to.subject, payload, { headers, timeout });
      return readOutcome(await this.#unpacked(answer));
    } catch (cause) {
      throw this.#failure(to, cause);
    }
  }

  #failure(to: Destination, cause: unknown): unknown {
    const isUnheard = cause instanceof errors.RequestError && cause.isNoResponders();
    if (isUnheard) return new NotDelivered(`${to.who} is not there to take the request.`, { cause });
    if (!(cause instanceof Error) || !brokerErrors.some((each) => cause instanceof each)) return cause;
    return new TemporaryFailure(
      `${to.who} was asked, but its answer did not arrive: what was asked may or may not have been accepted.`,
      { cause },
    );
  }

  /** Rejects when the connection is lost: whatever was asked, its answer will never come. */
  #untilLost({ who }: Destination): Disposable & { promise: Promise<never> } {
    const { promise, reject } = Promise.withResolvers<never>();
    const forget = this.#broker.onLost(() =>
      reject(
        new TemporaryFailure(
          `The connection with the broker was lost before ${who.replace(/^\w/, (letter) => letter.toLowerCase())} ` +
            'answered: what was asked may or may not have been accepted.',
        ),
      ),
    );
    return { promise, [Symbol.dispose]: forget };
  }

  async #take(desk: CallDesk, message: Msg): Promise<void> {
    try {
      const call = incoming(message.headers, async () => readCall(await this.#unpacked(message)));
      await desk.take(call, async (outcome) => {
        using parcel = await pack(this.#broker, writeOutcome(outcome, this.#limits));
        message.respond(parcel.payload, { headers: parcel.headers });
        await this.#fetchedOrTooLate(parcel.fetched, call.deadline);
      });
    } catch (err) {
      // Whoever called is told by the silence: the connection is gone.
      this.#log.warn({ err }, 'the answer to a call could not be sent');
    }
  }

  async #fetchedOrTooLate(fetched: Promise<void>, deadline: number): Promise<void> {
    const over = new AbortController();
    const left = deadline - this.#clock.now();
    // However long the caller says that it waits: no more than this process would.
    const rest = left > 0 ? Math.min(left, this.#limits.responseMilliseconds) : 0;
    const tooLate = this.#clock.sleep(rest, over.signal).catch(() => {});
    await Promise.race([fetched, tooLate]);
    over.abort();
    await tooLate;
  }

  async #unpacked(message: Msg): Promise<string> {
    const { messageBytes: limitBytes, responseMilliseconds: withinMilliseconds } = this.#limits;
    return await unpack(this.#broker, message, { limitBytes, withinMilliseconds });
  }
}

const brokerErrors = [
  errors.RequestError,
  errors.TimeoutError,
  errors.ClosedConnectionError,
  errors.DrainingConnectionError,
  errors.PermissionViolationError,
];

function incoming(headers: MsgHdrs | undefined, body: () => Promise<CallBody>): IncomingCall {
  const read = (name: string): string => headers?.get(name) ?? '';
  return {
    version: Number(read(header.version)),
    name: read(header.call),
    deadline: Number(read(header.deadline)),
    body,
  };
}

/** Without a connection there is nothing to flush: whatever is subscribed to is made known with the next one. */
async function flushed(connection: NatsConnection): Promise<void> {
  await connection.flush().catch(() => {});
}
