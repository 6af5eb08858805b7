import type { Clock } from '#model/clock.ts';
import { Fault } from '#model/fault.ts';
import { IronicException, NoFreeConductorWorker, TemporaryFailure } from '#model/faults.ts';
import type { Log } from '#model/log.ts';
import { type ConductorHandlers, type RequestContext, rpcVersion } from '#protocol/rpc.ts';
import type { CallBody, CallOutcome } from './call-body.ts';
import type { CallLimits } from './call-limits.ts';

export interface IncomingCall {
  readonly version: number;
  readonly name: string;
  /** In milliseconds since the epoch, by the caller's clock. */
  readonly deadline: number;
  /** Fetched only when the call is taken. */
  body(): Promise<CallBody>;
}

interface DeskParts {
  readonly hostname: string;
  readonly handlers: ConductorHandlers;
  readonly limits: CallLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where a conductor takes calls, whatever carries them: no more at once than it may, and none that came too late. */
export class CallDesk {
  readonly #parts: DeskParts;
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Ensures that `reply` is given the call's outcome, once. Resolves when the reply is on its way. */
  async take(call: IncomingCall, reply: (outcome: CallOutcome) => Promise<void>): Promise<void> {
    const refusal = this.#refusal(call);
    if (refusal) return await reply(failed(refusal));
    const work = this.#work(call, reply);
    this.#underWay.add(work);
    try {
      await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /** Resolves when all that is under way is answered, or nobody waits for the answer any more. */
  async idle(): Promise<void> {
    const { clock, limits } = this.#parts;
    const over = new AbortController();
    const nobodyWaits = clock.sleep(limits.responseMilliseconds, over.signal).catch(() => {});
    await Promise.race([Promise.allSettled(this.#underWay), nobodyWaits]);
    over.abort();
    await nobodyWaits;
  }

  async #work(call: IncomingCall, reply: (outcome: CallOutcome) => Promise<void>): Promise<void> {
    await reply(await this.#outcomeOf(call));
  }

  #refusal({ version, name, deadline }: IncomingCall): Fault | undefined {
    const { hostname, handlers, limits, clock } = this.#parts;
    if (version !== rpcVersion)
      return new TemporaryFailure(
        `The conductor ${hostname} speaks version ${rpcVersion} of the calls between processes and the API version ` +
          `${version}: this can be done when both run the same release.`,
      );
    if (!Object.hasOwn(handlers, name))
      return new TemporaryFailure(
        `The conductor ${hostname} does not know the call ${name}: this can be done when it runs the release of the API.`,
      );
    // Also of a deadline that is no number.
    if (!(clock.now() < deadline))
      return new TemporaryFailure(
        `The conductor ${hostname} got the call ${name} only when nobody waited for it any more; it was not done.`,
      );
    if (this.#underWay.size >= limits.servedAtOnce) return new NoFreeConductorWorker();
    return undefined;
  }

  async #outcomeOf(call: IncomingCall): Promise<CallOutcome> {
    let body: CallBody | undefined;
    try {
      body = await call.body();
      // That the name is a handler's was looked at; that the arguments are its own, the protocol's version says.
      const handle = this.#parts.handlers[call.name as keyof ConductorHandlers] as Handle;
      return { kind: 'result', result: await handle(body.args, body.context) };
    } catch (error) {
      if (error instanceof Fault) return failed(error);
      return this.#unknownFailure(error, call, body);
    }
  }

  /** What is not meant for a caller goes to the log only. */
  #unknownFailure(err: unknown, { name }: IncomingCall, body: CallBody | undefined): CallOutcome {
    const { hostname, log } = this.#parts;
    const request = body?.context.requestId;
    const node = body?.args['node'];
    const ids = { ...(request !== undefined && { request }), ...(typeof node === 'string' && { node }) };
    log.error({ ...ids, err, call: name }, 'a call failed');
    const place = request === undefined ? '' : ` under ${request}`;
    return failed(
      new IronicException(
        `The request failed for a reason that the log of the conductor ${hostname} tells${place}.`,
      ),
    );
  }
}

type Handle = (args: Record<string, unknown>, context: RequestContext) => Promise<unknown>;

function failed(fault: Fault): CallOutcome {
  return { kind: 'fault', fault: fault.toWire() };
}
