// The agent's HTTP client: small, each wait limited, each answer bounded. node:https is only loaded when needed,
// because hundreds of agents may start at once.
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http';

export interface Proxies {
  http?: string | undefined;
  https?: string | undefined;
  none?: string | undefined;
}

export interface RequestSettings {
  method?: 'GET' | 'POST';
  headers?: OutgoingHttpHeaders;
  body?: string;
  /** Without a byte for so long the request fails. */
  timeoutSeconds: number;
  /** Do not check the certificate of the other side. */
  insecure?: boolean;
  proxies?: Proxies;
  signal?: AbortSignal;
  /** A longer answer is an error. */
  maximumBytes?: number;
}

export interface Answer {
  status: number;
  bytes: Buffer;
  /** Our own address on the connection: the one that this server reaches us by. */
  localAddress: string | null;
}

const defaultMaximumBytes = 16 * 1024 * 1024;
const maximumRedirects = 5;

/** A URL as messages may show it: no user, password or query, where signatures and keys are. */
export function displayUrl(url: string | URL): string {
  try {
    const { origin, pathname } = new URL(url);
    return origin + pathname;
  } catch {
    return 'a URL that cannot be parsed';
  }
}

/** Sends a request and reads the whole answer, of whatever status. */
export async function request(url: string | URL, settings: RequestSettings): Promise<Answer> {
  const { timeoutSeconds, maximumBytes = defaultMaximumBytes } = settings;
  const response = await openResponse(url, settings);
  const localAddress = response.socket.localAddress ?? null;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of readChunks(response, timeoutSeconds)) {
    length += chunk.length;
    if (length > maximumBytes)
      throw new Error(`${displayUrl(url)} answers with more than ${maximumBytes} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, bytes: Buffer.concat(chunks), localAddress };
}

/** Sends a request and follows redirects; the body is still to be read. */
export async function openResponse(url: string | URL, settings: RequestSettings): Promise<IncomingMessage> {
  let target = new URL(url);
  let headers = settings.headers ?? {};
  for (let redirects = 0; ; redirects++) {
    const response = await sendOnce(target, { ...settings, headers });
    const { statusCode = 0, headers: answer } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || !answer.location || settings.method === 'POST')
      return response;
    response.destroy();
    if (redirects === maximumRedirects) throw new Error(`${displayUrl(url)} redirects too often`);
    const next = new URL(answer.location, target);
    // Credentials are for the server they were given for.
    if (next.origin !== target.origin) headers = withoutAuthorization(headers);
    target = next;
  }
}

/** The chunks of a body; fails when none comes for `timeoutSeconds`, counted only while one is waited for. */
export async function* readChunks(response: IncomingMessage, timeoutSeconds: number): AsyncGenerator<Buffer> {
  const stall = new Error(`no data for ${timeoutSeconds} s`);
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>; // no encoding is set: buffers
  try {
    for (;;) {
      const timer = setTimeout(() => response.destroy(stall), timeoutSeconds * 1000);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    response.destroy();
  }
}

async function sendOnce(url: URL, settings: RequestSettings): Promise<IncomingMessage> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error(`only http and https URLs are fetched, not ${url.protocol}`);
  const { method = 'GET', headers = {}, body, timeoutSeconds, insecure = false, signal } = settings;
  const options: RequestOptions & { rejectUnauthorized?: boolean } = {
    method,
    headers: { ...headers, ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }) },
    ...(signal && { signal }),
  };
  const proxyEnv = {
    HTTP_PROXY: settings.proxies?.http,
    HTTPS_PROXY: settings.proxies?.https,
    NO_PROXY: settings.proxies?.none,
  };
  let sent: ClientRequest;
  if (url.protocol === 'https:') {
    const https = await import('node:https');
    const agent = new https.Agent({ proxyEnv, rejectUnauthorized: !insecure });
    sent = https.request(url, { ...options, agent });
  } else {
    sent = httpRequest(url, { ...options, agent: new HttpAgent({ proxyEnv }) });
  }
  const answered = Promise.withResolvers<IncomingMessage>();
  const timer = setTimeout(
    () => sent.destroy(new Error(`no answer within ${timeoutSeconds} s`)),
    timeoutSeconds * 1000,
  );
  sent.once('response', answered.resolve).on('error', answered.reject);
  sent.end(body);
  try {
    return await answered.promise;
  } finally {
    clearTimeout(timer);
  }
}

function withoutAuthorization(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
  );
}
