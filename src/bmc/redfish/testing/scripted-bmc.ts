// A Redfish service over real HTTP whose answers a test writes down. Only what the client must survive; the whole
// machine behind a service is the simulator's business.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../clock.ts';
import { defaultRedfishOptions, type RedfishOptions, type RedfishTarget } from '../options.ts';
import { RedfishClient } from '../client.ts';

export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
}

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string;
}

/** What is answered; a function may also treat the response as badly as it likes and give nothing. */
export type Script = Reply | ((asked: Asked, response: ServerResponse) => Reply | void);

export interface ScriptedBmc extends AsyncDisposable {
  address: string;
  /** Everything asked, as `GET /path`, and in full. */
  log: string[];
  asked: Asked[];
  /** By `METHOD /path`; what is not here is answered 404. May be changed at any time. */
  scripts: Map<string, Script>;
  /** Resolves when a request for `key` arrives from now on. */
  arrival(key: string): Promise<void>;
  stop(): Promise<void>;
}

export const secret = { username: 'operator', password: 'hunter2-Secret', token: 'token-0123456789' };

/** With sessions that are checked, and `resources` to GET. */
export async function aBmc(
  resources: Record<string, unknown> = {},
  { sessions = true } = {},
): Promise<ScriptedBmc> {
  const log: string[] = [];
  const asked: Asked[] = [];
  const scripts = new Map<string, Script>(
    Object.entries({
      '/redfish/v1/': {
        Links: { Sessions: { '@odata.id': '/redfish/v1/SessionService/Sessions' } },
        ...systemsLink,
      },
      ...resources,
    }).map(([path, json]) => [`GET ${path}`, { json }]),
  );
  if (sessions) {
    scripts.set('POST /redfish/v1/SessionService/Sessions', {
      status: 201,
      headers: { 'x-auth-token': secret.token, location: '/redfish/v1/SessionService/Sessions/1' },
      json: {},
    });
    scripts.set('DELETE /redfish/v1/SessionService/Sessions/1', { status: 204 });
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const key = `${request.method} ${request.url}`;
    const one: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    log.push(key);
    asked.push(one);
    server.emit(key);
    const script = scripts.get(key) ?? { status: 404 };
    const reply = typeof script === 'function' ? script(one, response) : script;
    if (reply === undefined) return;
    response.writeHead(reply.status ?? 200, reply.headers);
    response.end(reply.text ?? (reply.json === undefined ? undefined : JSON.stringify(reply.json)));
  };
  const server = createServer((request, response) => {
    // A client that leaves while it sends is no failure of the test.
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return {
    // A listening TCP server has an address of this kind.
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    asked,
    scripts,
    async arrival(key) {
      await once(server, key);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const systemsLink = { Systems: { '@odata.id': '/redfish/v1/Systems' } };

/** An error body as DSP0266 §8.6 has it. */
export function anError(messageId: string, message: string): { json: unknown } {
  return { json: { error: { '@Message.ExtendedInfo': [{ MessageId: messageId, Message: message }] } } };
}

/** A clock of the test's own: sleeping takes no time, except for sleeps that are limits, which end only on `expire`. */
export interface TestClock extends Clock {
  /** Milliseconds slept through. */
  slept: number[];
  advance(milliseconds: number): void;
  /** Lets every limit run out that stands now. */
  expire(): void;
}

/** Sleeps of `limits` milliseconds are time limits; all others end at once, having moved the clock on. */
export function aClock(
  limits: number[] = Object.values(testLimits).map((seconds) => seconds * 1000),
): TestClock {
  let now = 0;
  const slept: number[] = [];
  const pending = new Set<() => void>();
  return {
    slept,
    now: () => now,
    advance(milliseconds) {
      now += milliseconds;
    },
    expire() {
      for (const end of pending) end();
    },
    async sleep(milliseconds, signal) {
      signal.throwIfAborted();
      if (!limits.includes(milliseconds)) {
        slept.push(milliseconds);
        now += milliseconds;
        return;
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      pending.add(resolve);
      try {
        await promise;
      } finally {
        pending.delete(resolve);
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

/** Odd numbers, so that no pause is taken for one of them. */
const testLimits = { requestTimeoutSeconds: 1009, queueTimeoutSeconds: 1013, taskTimeoutSeconds: 1019 };

export function aClient(
  bmc: Pick<ScriptedBmc, 'address'>,
  { clock = aClock(), ...more }: Partial<RedfishOptions> & Partial<RedfishTarget> & { clock?: Clock } = {},
): RedfishClient {
  const { username, password } = secret;
  const target = {
    address: bmc.address,
    username,
    password,
    authType: 'auto',
    verifyCa: true,
    ...more,
  } as const;
  const options = { ...defaultRedfishOptions, ...testLimits, connectionRetryIntervalSeconds: 4, ...more };
  return new RedfishClient(target, options, { clock, random: { fraction: () => 0.5 } });
}

export const never = new AbortController().signal;
