import { NoValidHost } from '#model/faults.ts';
import type {
  ConductorCallName,
  ConductorCalls,
  ConductorClient,
  ConductorHandlers,
  RequestContext,
} from '#protocol/rpc.ts';

/** Carries calls to the conductors of this very process. Arguments are handed over, not copied: nobody changes them. */
export class InProcessTransport implements ConductorClient {
  readonly #conductors = new Map<string, ConductorHandlers>();

  /** From now on calls to `hostname` reach these handlers; the function given back ends that. */
  serve(hostname: string, handlers: ConductorHandlers): () => void {
    this.#conductors.set(hostname, handlers);
    return () => this.#conductors.delete(hostname);
  }

  async call<Name extends ConductorCallName>(
    hostname: string,
    name: Name,
    args: ConductorCalls[Name]['args'],
    context: RequestContext,
  ): Promise<ConductorCalls[Name]['result']> {
    const handlers = this.#conductors.get(hostname);
    if (!handlers)
      throw new NoValidHost({ reason: `the conductor ${hostname} does not run in this process` });
    return await handlers[name](args, context);
  }
}
