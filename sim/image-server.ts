// A web server for images that can be asked to fail: it drops, stalls, crawls, or answers with an error.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { normalize, join } from 'node:path';
import { systemClock, type Clock } from '#model/clock.ts';
import { BadRequest } from './errors.ts';
import { closeServer, listen, type ListenOptions } from './listener.ts';

export type ImageFault = { /** How many requests it meets. Absent: until cleared. */ count?: number } & (
  | /** The connection is torn down after that many bytes of the answer. */ {
      kind: 'drop';
      after_bytes: number;
    }
  | /** Nothing more comes after that many bytes, and the connection stays. */ {
      kind: 'stall';
      after_bytes: number;
    }
  | { kind: 'slow'; bytes_per_second: number }
  | { kind: 'status'; status: number }
);

/** One request as the server saw it. */
export interface ImageRequest {
  method: string;
  path: string;
  range: string | null;
  status: number;
  bytesSent: number;
  outcome: 'sending' | 'whole' | 'cut short';
}

export interface ImageServerOptions extends Partial<ListenOptions> {
  folder: string;
  clock?: Clock;
}

export interface ImageServer extends AsyncDisposable {
  /** With a slash at its end; a file's path follows. */
  readonly url: string;
  readonly requests: readonly ImageRequest[];
  readonly faults: Readonly<Record<string, ImageFault>>;
  /** One fault per path, beginning with a slash. Replaces the one before. */
  setFault(path: string, fault: ImageFault): void;
  clearFault(path: string): void;
  close(): Promise<void>;
}

const keptRequests = 10_000;
const chunkBytes = 64 * 1024;

/** Serves the files under a folder. Rejects when the port cannot be had. */
export async function startImageServer(options: ImageServerOptions): Promise<ImageServer> {
  const { folder, clock = systemClock, host = '127.0.0.1', port = 0, tls } = options;
  const faults = new Map<string, ImageFault>();
  const requests: ImageRequest[] = [];
  const closing = new AbortController();
  const serving: Serving = { folder, clock, closing: closing.signal, faults, requests };
  const { server, address } = await listen({ host, port, tls }, (request, response) => {
    // A client that has gone away ends the stream; there is nobody left to be told.
    serve(serving, request, response).catch(() => response.destroy());
  });
  const close = async (): Promise<void> => {
    closing.abort();
    await closeServer(server);
  };
  return {
    url: `${address}/`,
    requests,
    get faults() {
      return Object.fromEntries(faults);
    },
    setFault: (path, fault) => faults.set(path, fault),
    clearFault: (path) => faults.delete(path),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Serving {
  folder: string;
  clock: Clock;
  closing: AbortSignal;
  faults: Map<string, ImageFault>;
  requests: ImageRequest[];
}

async function serve(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent((request.url ?? '/').split('?', 1)[0] ?? '/');
  const entry: ImageRequest = {
    method: request.method ?? 'GET',
    path,
    range: request.headers.range ?? null,
    status: 0,
    bytesSent: 0,
    outcome: 'sending',
  };
  serving.requests.push(entry);
  if (serving.requests.length > keptRequests) serving.requests.shift();
  request.resume();
  const fault = takeFault(serving.faults, path);
  const refuse = (status: number, headers: Record<string, string> = {}): void => {
    entry.status = status;
    entry.outcome = 'whole';
    response.writeHead(status, { 'Content-Length': 0, ...headers }).end();
  };
  if (fault?.kind === 'status') return refuse(fault.status);
  if (entry.method !== 'GET' && entry.method !== 'HEAD') return refuse(405, { Allow: 'GET, HEAD' });
  const file = join(serving.folder, normalize(join('/', path)));
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return refuse(404);

  const etag = `"${found.size.toString(16)}-${Math.floor(found.mtimeMs).toString(16)}"`;
  if (request.headers['if-none-match'] === etag) return refuse(304, { ETag: etag });
  const changed = request.headers['if-range'] !== undefined && request.headers['if-range'] !== etag;
  const range = changed ? undefined : parseRange(request.headers.range, found.size);
  if (range === 'unsatisfiable') return refuse(416, { 'Content-Range': `bytes */${found.size}` });
  const { start, end } = range ?? { start: 0, end: found.size };
  entry.status = range ? 206 : 200;
  response.writeHead(entry.status, {
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
    'Content-Length': end - start,
    'Last-Modified': found.mtime.toUTCString(),
    ETag: etag,
    ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${found.size}` }),
  });
  if (entry.method === 'HEAD' || end === start) {
    entry.outcome = 'whole';
    response.end();
    return;
  }
  try {
    await send(serving, response, { file, start, end, fault, entry });
  } finally {
    if (entry.outcome === 'sending') entry.outcome = 'cut short';
  }
}

interface Sending {
  file: string;
  start: number;
  end: number;
  fault: ImageFault | undefined;
  entry: ImageRequest;
}

async function send(serving: Serving, response: ServerResponse, sending: Sending): Promise<void> {
  const { file, start, end, fault, entry } = sending;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([serving.closing, gone.signal]);
  const stopsAfter = fault?.kind === 'drop' || fault?.kind === 'stall' ? fault.after_bytes : Infinity;
  const pieces = createReadStream(file, { start, end: end - 1, highWaterMark: chunkBytes });
  for await (const piece of pieces as AsyncIterable<Buffer>) {
    // no encoding is set, so pieces are buffers
    const part = piece.subarray(0, Math.max(0, stopsAfter - entry.bytesSent));
    const hasRoom = part.length === 0 || response.write(part);
    entry.bytesSent += part.length;
    if (entry.bytesSent === end - start) entry.outcome = 'whole';
    if (!hasRoom) await once(response, 'drain', { signal });
    if (part.length < piece.length) {
      if (fault?.kind === 'stall' && !signal.aborted) await once(signal, 'abort');
      // What was written goes out first: the client is to see exactly that many bytes.
      else await new Promise<void>((resolve) => response.write('', () => resolve()));
      response.destroy();
      return;
    }
    if (fault?.kind === 'slow')
      await serving.clock.sleep((part.length / fault.bytes_per_second) * 1000, signal);
  }
  response.end();
}

const faultMembers = {
  drop: 'after_bytes',
  stall: 'after_bytes',
  slow: 'bytes_per_second',
  status: 'status',
} as const satisfies Record<ImageFault['kind'], string>;

/** Reads a fault that came over the wire; throws BadRequest naming the member that is wrong. */
export function parseImageFault(body: Record<string, unknown>): ImageFault {
  const { kind, count } = body;
  if (typeof kind !== 'string' || !Object.hasOwn(faultMembers, kind))
    throw new BadRequest(`An image fault's kind is one of ${Object.keys(faultMembers).join(', ')}.`);
  const member = faultMembers[kind as ImageFault['kind']]; // a key of the table, checked above
  const least = kind === 'slow' ? 1 : 0;
  if (!Number.isSafeInteger(body[member]) || Number(body[member]) < least)
    throw new BadRequest(`"${member}" of a ${kind} fault must be a whole number from ${least}.`);
  if (count !== undefined && (!Number.isSafeInteger(count) || Number(count) < 1))
    throw new BadRequest('"count" of a fault must be a whole number from 1.');
  return body as unknown as ImageFault; // every member was checked against its type
}

function takeFault(faults: Map<string, ImageFault>, path: string): ImageFault | undefined {
  const fault = faults.get(path);
  if (fault?.count === undefined) return fault;
  if (fault.count <= 1) faults.delete(path);
  else faults.set(path, { ...fault, count: fault.count - 1 });
  return fault;
}

/** One range, its end excluded; undefined when the header asks for none, or for several (RFC 9110 §14.2). */
function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return start < end ? { start, end } : 'unsatisfiable';
}
