// A stand-in for the Bare Metal API: the three routes that agents call, over real HTTP.
import { EventEmitter, on, once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  version: string | null;
  body: Record<string, unknown>;
}

export interface BareMetalApi extends AsyncDisposable {
  url: string;
  /** Every request so far, in order. */
  seen: SeenRequest[];
  /** The `count`-th request to a path that begins so, when it comes or from before. */
  request(path: string, count?: number): Promise<SeenRequest>;
}

export interface ApiAnswers {
  /** `config.agent_token` of the lookup's answer. */
  token?: string | null;
  md5?: boolean;
  node?: Record<string, unknown>;
  /** Statuses to answer with, request by request to a path, before the right answer is given. */
  statuses?: Record<string, number[]>;
  heartbeatTimeout?: number;
}

export const aToken = 'a-token-of-more-than-thirty-two-characters';
export const nodeUuid = '1be26c0b-03f2-4d2e-ae87-c02d7f33c123';

export async function serveBareMetalApi(answers: ApiAnswers = {}): Promise<BareMetalApi> {
  const seen: SeenRequest[] = [];
  const arrivals = new EventEmitter();
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://api');
    const body = await text(request);
    const version = request.headers['x-openstack-ironic-api-version'];
    seen.push({
      method: request.method ?? '',
      path,
      query,
      version: typeof version === 'string' ? version : null,
      body: body === '' ? {} : JSON.parse(body),
    });
    const before = seen.filter((item) => item.path === path).length - 1;
    const status = answers.statuses?.[path]?.[before];
    const [code, content] = status === undefined ? answerTo(path, answers) : [status, fault(status)];
    response.writeHead(code, { 'Content-Type': 'application/json' });
    response.end(content === null ? '' : JSON.stringify(content));
    arrivals.emit('request');
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async request(path, count = 1) {
      const find = () => seen.filter((item) => item.path.startsWith(path))[count - 1];
      const arrived = on(arrivals, 'request', { signal: AbortSignal.timeout(20_000) });
      for (let found = find(); ; found = find()) {
        if (found) return found;
        await arrived.next();
      }
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function answerTo(path: string, answers: ApiAnswers): [number, unknown] {
  if (path === '/') return [200, { default_version: { id: 'v1', version: '1.115' } }];
  if (path === '/v1/continue_inspection') return [202, { uuid: nodeUuid }];
  if (path.startsWith('/v1/heartbeat/')) return [202, null];
  if (path !== '/v1/lookup') return [404, fault(404)];
  const config = {
    heartbeat_timeout: answers.heartbeatTimeout ?? 300,
    agent_token: answers.token === undefined ? aToken : answers.token,
    agent_token_required: true,
    agent_md5_checksum_enable: answers.md5 ?? false,
  };
  return [
    200,
    {
      node: { uuid: nodeUuid, properties: {}, instance_info: {}, driver_internal_info: {}, ...answers.node },
      config,
    },
  ];
}

function fault(status: number) {
  return {
    error_message: JSON.stringify({ faultcode: 'Client', faultstring: `status ${status} was asked for` }),
  };
}
