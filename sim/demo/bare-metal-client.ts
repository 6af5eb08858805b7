// A client of the Bare Metal API, as anybody could write one: JSON over HTTP, one microversion.
import { DemoFailure } from './failure.ts';

/** Of the API's answers, what the demo reads. */
export interface NodeState {
  uuid: string;
  provision_state: string;
  target_provision_state: string | null;
  power_state: string | null;
  last_error: string | null;
}

export interface Operation {
  kind: string;
  state: string;
  steps: { interface: string; step: string; origin: string }[];
  cursor: number;
  progress: {
    phase: string | null;
    bytes_done: number | null;
    bytes_total: number | null;
    percent: number | null;
  } | null;
}

export interface NodeEvent {
  id: number;
  at: string;
  kind: string;
  operation_id: string | null;
  data: Record<string, unknown>;
}

/** The API refused, or did not answer. */
export class RequestFailed extends DemoFailure {
  override readonly name = 'RequestFailed';
}

const microversion = '1.115';
const answerLimitMs = 30_000;
const shownFields = 'uuid,provision_state,target_provision_state,power_state,last_error';

export class BareMetalClient {
  readonly url: string;
  readonly #signal: AbortSignal;

  /** `signal` ends every request. */
  constructor(url: string, signal: AbortSignal) {
    this.url = url;
    this.#signal = signal;
  }

  async createNode(node: Record<string, unknown>): Promise<string> {
    const created = await this.#send<{ uuid: string }>('POST', '/v1/nodes', node);
    return created.uuid;
  }

  async createPort(nodeUuid: string, address: string): Promise<void> {
    await this.#send('POST', '/v1/ports', { node_uuid: nodeUuid, address });
  }

  /** Adds members to `instance_info`. */
  async setInstanceInfo(uuid: string, members: Record<string, unknown>): Promise<void> {
    const patch = Object.entries(members).map(([name, value]) => ({
      op: 'add',
      path: `/instance_info/${name}`,
      value,
    }));
    await this.#send('PATCH', `/v1/nodes/${uuid}`, patch);
  }

  async provision(uuid: string, target: string, more: Record<string, unknown> = {}): Promise<void> {
    await this.#send('PUT', `/v1/nodes/${uuid}/states/provision`, { target, ...more });
  }

  async node(uuid: string): Promise<NodeState> {
    return await this.#send('GET', `/v1/nodes/${uuid}?fields=${shownFields}`);
  }

  /** The newest operation; undefined before the first. */
  async operation(uuid: string): Promise<Operation | undefined> {
    const path = `/ingot/v1/nodes/${uuid}/operations?limit=1`;
    return (await this.#send<{ operations: Operation[] }>('GET', path)).operations[0];
  }

  /** Everything that happened to the node. */
  async events(uuid: string): Promise<NodeEvent[]> {
    const all: NodeEvent[] = [];
    for (let after = '0'; ;) {
      const path = `/ingot/v1/nodes/${uuid}/events?after=${after}`;
      const page = await this.#send<{ events: NodeEvent[]; next: string }>('GET', path);
      if (page.events.length === 0) return all;
      all.push(...page.events);
      after = page.next;
    }
  }

  async #send<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const what = `${method} ${path.replace(/\?.*/, '')}`;
    try {
      const response = await fetch(this.url + path, {
        method,
        headers: { 'X-OpenStack-Ironic-API-Version': microversion, 'Content-Type': 'application/json' },
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(answerLimitMs)]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new RequestFailed(`${what} was answered ${response.status}: ${reasonIn(text)}`);
      // The answers are those of the published API; a 202 has none.
      return (text === '' ? undefined : JSON.parse(text)) as Answer;
    } catch (cause) {
      this.#signal.throwIfAborted();
      if (cause instanceof RequestFailed) throw cause;
      throw new RequestFailed(`${what} was not answered`, { cause });
    }
  }
}

/** Ironic's errors are JSON in a string in JSON. */
function reasonIn(text: string): string {
  try {
    const { error_message: message } = JSON.parse(text) as { error_message?: unknown }; // or it has no such member
    const inner: unknown = typeof message === 'string' ? JSON.parse(message) : message;
    if (typeof inner === 'object' && inner !== null && 'faultstring' in inner)
      return String(inner.faultstring);
  } catch {
    // Not in that form: then as it came.
  }
  return text.slice(0, 500);
}
