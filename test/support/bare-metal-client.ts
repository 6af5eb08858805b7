// A client of the API as anybody could write one.
import { until } from './until.ts';

/** What tests read of a node; the API gives more. */
export interface NodeView {
  uuid: string;
  provision_state: string;
  target_provision_state: string | null;
  power_state: string | null;
  target_power_state: string | null;
  last_error: string | null;
  reservation: string | null;
  maintenance: boolean;
  fault: string | null;
  conductor: string | null;
}

/** What the API answered when it refused. */
export class Refused extends Error {
  readonly status: number;
  /** Of the Retry-After header. */
  readonly retryAfterSeconds: number | null;
  constructor(request: string, response: Response, body: string) {
    super(`${request}: ${response.status} ${body.slice(0, 500)}`);
    this.status = response.status;
    const retryAfter = response.headers.get('retry-after');
    this.retryAfterSeconds = retryAfter === null ? null : Number(retryAfter);
  }
}

export class BareMetalClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-openstack-ironic-api-version': '1.95' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Refused(`${method} ${path}`, response, text);
    return (text === '' ? undefined : JSON.parse(text)) as T; // The caller names what the route is published to answer.
  }

  async createNode(node: Record<string, unknown>, macs: readonly string[] = []): Promise<string> {
    const { uuid } = await this.send<{ uuid: string }>('POST', '/v1/nodes', node);
    for (const address of macs) await this.send('POST', '/v1/ports', { node_uuid: uuid, address });
    return uuid;
  }

  async patch(uuid: string, members: Record<string, unknown>): Promise<void> {
    const patch = Object.entries(members).map(([path, value]) => ({ op: 'add', path: `/${path}`, value }));
    await this.send('PATCH', `/v1/nodes/${uuid}`, patch);
  }

  async provision(uuid: string, target: string, more: Record<string, unknown> = {}): Promise<void> {
    await this.send('PUT', `/v1/nodes/${uuid}/states/provision`, { target, ...more });
  }

  async node(uuid: string): Promise<NodeView> {
    return await this.send<NodeView>('GET', `/v1/nodes/${uuid}`);
  }

  /** The conductor of each node, by the node's UUID. */
  async conductors(): Promise<Map<string, string | null>> {
    type Page = { nodes: { uuid: string; conductor: string | null }[] };
    const { nodes } = await this.send<Page>('GET', '/v1/nodes?fields=uuid,conductor');
    return new Map(nodes.map(({ uuid, conductor }) => [uuid, conductor]));
  }

  /** Asks for the node until it is as wanted. */
  async until(uuid: string, accepts: (node: NodeView) => boolean): Promise<NodeView> {
    return await until(async () => await this.node(uuid), accepts);
  }

  /** Waits for the state. Throws the node's own words when it comes to rest in a failed one. */
  async untilState(uuid: string, state: string): Promise<NodeView> {
    const node = await this.until(
      uuid,
      ({ provision_state: now, reservation }) =>
        reservation === null && (now === state || now.endsWith('failed') || now === 'error'),
    );
    if (node.provision_state === state) return node;
    throw new Error(
      `Node ${uuid} came to '${node.provision_state}' instead of '${state}': ${node.last_error}`,
    );
  }
}
