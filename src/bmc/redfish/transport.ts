// Carries one HTTP exchange. Knows nothing of Redfish: no retries, no sessions, no meaning of a status.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, inflateSync } from 'node:zlib';
import { errors, Pool } from 'undici';
import { BmcSettingInvalid } from '../errors.ts';
import type { RedfishOptions } from './options.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface HttpRequest {
  method: Method;
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Buffer;
}

export interface HttpTransport {
  /** Rejects with a TransportFailure, or with the signal's reason. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** How an exchange failed, and whether the request can have been read by the other side. */
export class TransportFailure extends Error {
  override readonly name = 'TransportFailure';
  readonly kind: 'not connected' | 'certificate' | 'broken' | 'silent' | 'garbage';

  constructor(kind: TransportFailure['kind'], reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.kind = kind;
  }
}

const failureKinds: Record<string, [kind: TransportFailure['kind'], reason: string]> = {
  ECONNREFUSED: [
    'not connected',
    'the connection was refused; is its Redfish service on, and the port right?',
  ],
  ENOTFOUND: ['not connected', 'its name has no address; check the name'],
  EAI_AGAIN: ['not connected', 'its name could not be looked up; check the DNS servers'],
  EHOSTUNREACH: [
    'not connected',
    'there is no route to it, or it is without power; check the management network',
  ],
  ENETUNREACH: ['not connected', 'there is no route to it; check the management network'],
  UND_ERR_CONNECT_TIMEOUT: [
    'not connected',
    'it did not accept a connection in time; check the management network',
  ],
  UND_ERR_HEADERS_TIMEOUT: ['silent', 'it did not begin to answer in time'],
  UND_ERR_BODY_TIMEOUT: ['silent', 'it did not end its answer in time'],
  UND_ERR_RES_EXCEEDED_MAX_SIZE: ['garbage', 'its answer is longer than this service reads'],
  UND_ERR_HEADERS_OVERFLOW: ['garbage', 'the headers of its answer are longer than this service reads'],
  ERR_BUFFER_TOO_LARGE: ['garbage', 'its answer is longer than this service reads'],
};

/** Codes of a certificate that is not trusted, as OpenSSL and Node name them. */
const certificateCode = /CERT|^DEPTH_ZERO|^UNABLE_TO_|ALTNAME/;

function classify(cause: unknown): TransportFailure {
  if (cause instanceof TransportFailure) return cause;
  const code = codeOf(cause);
  const known = failureKinds[code];
  if (known !== undefined) return new TransportFailure(...known, { cause });
  if (certificateCode.test(code)) {
    const advice = 'trust its authority with redfish_verify_ca, or set that to False';
    return new TransportFailure('certificate', `its certificate is not trusted (${code}); ${advice}`, {
      cause,
    });
  }
  if (cause instanceof errors.HTTPParserError || code.startsWith('Z_')) {
    return new TransportFailure(
      'garbage',
      'its answer is not HTTP, or damaged; is this the port of its Redfish service?',
      { cause },
    );
  }
  if (/^ERR_(SSL|TLS)|^EPROTO$/.test(code)) {
    return new TransportFailure('not connected', `TLS could not be agreed on (${code})`, { cause });
  }
  return new TransportFailure('broken', `the connection broke (${code === '' ? 'no reason given' : code})`, {
    cause,
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  // Several addresses tried: they failed alike, or the first says enough.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** A connection that has read is kept this long: for the next of a row of reads, and no longer than BMCs bear. */
const keptMilliseconds = 3000;

/**
 * Over the network with undici. What changes something has a connection of its own: many controllers close idle
 * connections without a word, and then nobody would know whether it was read. A read may be repeated, so its connection
 * is kept for the next; where a kept one broke, the read is made on a new one.
 */
export function networkTransport(
  origin: string,
  verifyCa: boolean | string,
  options: RedfishOptions,
): HttpTransport {
  const authorities = typeof verifyCa === 'string' ? readAuthorities(verifyCa) : undefined;
  const poolOptions = {
    connections: options.maxConcurrentRequests,
    keepAliveTimeout: keptMilliseconds,
    keepAliveMaxTimeout: keptMilliseconds,
    pipelining: 1,
    allowH2: false,
    headersTimeout: options.readTimeoutSeconds * 1000,
    bodyTimeout: options.readTimeoutSeconds * 1000,
    maxResponseSize: options.maxResponseBytes,
    connect: {
      timeout: options.connectTimeoutSeconds * 1000,
      rejectUnauthorized: verifyCa !== false,
      ...(authorities === undefined ? {} : { ca: authorities }),
      ...(options.tlsMinimumVersion === undefined ? {} : { minVersion: options.tlsMinimumVersion }),
      ...(options.tlsCiphers === undefined ? {} : { ciphers: options.tlsCiphers }),
    },
  };
  const kept = new Pool(origin, poolOptions);
  const fresh = new Pool(origin, poolOptions);
  let connections = 0;
  kept.on('connect', () => (connections += 1));

  async function exchange(pool: Pool, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { method, path, headers, body } = request;
    const response = await pool.request({ method, path, headers, body, signal, reset: pool === fresh });
    const raw = Buffer.from(await response.body.arrayBuffer());
    const flat = Object.entries(response.headers).map(
      ([name, value]) => [name, Array.isArray(value) ? (value[0] ?? '') : (value ?? '')] as const,
    );
    const responseHeaders = Object.fromEntries(flat);
    const decoded = decode(raw, responseHeaders['content-encoding'], options.maxResponseBytes);
    return { status: response.statusCode, headers: responseHeaders, body: decoded };
  }

  async function read(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const before = connections;
    try {
      return await exchange(kept, request, signal);
    } catch (error) {
      const wasKept = connections === before;
      if (signal.aborted || !wasKept || classify(error).kind !== 'broken') throw error;
      return await exchange(fresh, request, signal);
    }
  }

  return {
    async send(request, signal) {
      try {
        return await (request.method === 'GET' ? read(request, signal) : exchange(fresh, request, signal));
      } catch (error) {
        throw signal.aborted ? signal.reason : classify(error);
      }
    },
    async close() {
      await Promise.all([kept.destroy(), fresh.destroy()]);
    },
  };
}

/** Some services compress whatever they were asked. */
function decode(body: Buffer, encoding: string | undefined, maxOutputLength: number): Buffer {
  switch (encoding?.toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return body;
    case 'gzip':
      return gunzipSync(body, { maxOutputLength });
    case 'deflate':
      return inflateSync(body, { maxOutputLength });
    default:
      throw new TransportFailure('garbage', 'its answer is encoded in a way it was not asked for');
  }
}

/** Many times what a system's own authorities take. */
const mostAuthorityBytes = 16 * 1024 * 1024;

/** Only regular files that are not empty: reading a device, a pipe or the kernel's log stops this whole process. */
function readAuthorities(path: string): string[] {
  const invalid = (reason: string, options?: ErrorOptions) =>
    new BmcSettingInvalid('redfish_verify_ca', `${path} ${reason}`, options);
  try {
    const paths = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
    const files = paths
      .map((each) => ({ path: each, size: regularSize(each) }))
      .filter(({ size }) => size > 0);
    if (files.length === 0) throw invalid('has no certificates');
    const total = files.reduce((sum, { size }) => sum + size, 0);
    if (total > mostAuthorityBytes) throw invalid(`has more than ${mostAuthorityBytes} bytes`);
    return files.map((file) => readFileSync(file.path, 'utf8'));
  } catch (cause) {
    if (cause instanceof BmcSettingInvalid) throw cause;
    throw invalid('cannot be read', { cause });
  }
}

/** 0 for what is not there or no regular file. */
function regularSize(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.size : 0;
}
