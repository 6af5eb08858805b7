// Answers HTTP requests for an image that exists only as a layout. Baseboard controllers read virtual media in
// ranges, some of a single sector, and drop connections as they like.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IsoImage } from './image.ts';

export interface ServeOptions {
  /** A client that takes no byte for so long is cut off, so that it does not hold a base file open for ever. */
  stallSeconds: number;
}

export interface Served {
  status: number;
  /** Bytes of body that were to be sent. */
  bytes: number;
  /** False if the client left, or was cut off, before the end. */
  complete: boolean;
}

/**
 * Answers GET and HEAD (RFC 9110: 200, 206 for one range, 304, 412, 416; anything else 405) and resolves when the
 * answer is out or the client is gone, with every base file closed again. Rejects, having cut the connection, when
 * the image itself cannot be read.
 */
export async function serveIso(
  image: IsoImage,
  request: IncomingMessage,
  response: ServerResponse,
  { stallSeconds }: ServeOptions = { stallSeconds: 120 },
): Promise<Served> {
  const answer = answerTo(request, image);
  response.writeHead(answer.status, {
    'accept-ranges': 'bytes',
    etag: image.etag,
    'cache-control': 'no-store',
    ...answer.headers,
  });
  const [start, end] = answer.body ?? [0, 0];
  if (end === start) {
    response.end();
    return { status: answer.status, bytes: 0, complete: true };
  }
  // A client that is gone is an end like another; without a listener its error would end the process.
  response.on('error', () => undefined);
  response.setTimeout(stallSeconds * 1000, () => response.destroy());
  try {
    for await (const chunk of image.read(start, end)) {
      if (response.destroyed) break;
      if (!response.write(chunk)) await drained(response);
    }
  } catch (failure) {
    response.destroy();
    throw failure;
  }
  response.end();
  await closedOrFinished(response);
  return { status: answer.status, bytes: end - start, complete: response.writableFinished };
}

/** When more may be written, or never will be. */
async function drained(response: ServerResponse): Promise<void> {
  await firstOf(response, ['drain', 'close']);
}

async function closedOrFinished(response: ServerResponse): Promise<void> {
  if (!response.writableFinished) await firstOf(response, ['finish', 'close']);
}

async function firstOf(response: ServerResponse, events: readonly string[]): Promise<void> {
  if (response.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const event of events) response.on(event, resolve);
  await promise;
  for (const event of events) response.off(event, resolve);
}

interface Answer {
  status: number;
  headers: Record<string, string | number>;
  body?: readonly [start: number, end: number];
}

function answerTo({ method, headers }: IncomingMessage, { size, etag }: IsoImage): Answer {
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, headers: { allow: 'GET, HEAD', 'content-length': 0 } };
  }
  // RFC 9110 §13.2.2: the preconditions in this order.
  if (headers['if-match'] !== undefined && !listsTag(headers['if-match'], etag, 'strong')) {
    return { status: 412, headers: { 'content-length': 0 } };
  }
  if (headers['if-none-match'] !== undefined && listsTag(headers['if-none-match'], etag, 'weak')) {
    return { status: 304, headers: {} };
  }
  const type = { 'content-type': 'application/octet-stream' };
  const whole: Answer = { status: 200, headers: { ...type, 'content-length': size }, body: [0, size] };
  if (method === 'HEAD') return { status: 200, headers: whole.headers };
  // An If-Range that is not our tag (a date never is) asks for the whole.
  const ifRange = headers['if-range'];
  if (headers.range === undefined || (ifRange !== undefined && ifRange !== etag)) return whole;
  const range = parseRange(headers.range, size);
  switch (range.kind) {
    case 'ignored':
      return whole;
    case 'unsatisfiable':
      return { status: 416, headers: { 'content-range': `bytes */${size}`, 'content-length': 0 } };
    case 'range': {
      const { start, end } = range;
      const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${size}` };
      return {
        status: 206,
        headers: { ...type, ...contentRange, 'content-length': end - start },
        body: [start, end],
      };
    }
  }
}

function listsTag(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true;
  const tags = header.split(',').map((tag) => tag.trim());
  return tags.includes(etag) || (comparison === 'weak' && tags.includes(`W/${etag}`));
}

type ByteRange =
  | { kind: 'ignored' }
  | { kind: 'unsatisfiable' }
  | { kind: 'range'; start: number; end: number };

/**
 * RFC 9110 §14.2: what is not one well-formed byte range is ignored, and the whole sent instead. That also holds for
 * several ranges in one request, which no firmware sends.
 */
export function parseRange(header: string, size: number): ByteRange {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header);
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return { kind: 'ignored' };
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'range', start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < start) return { kind: 'ignored' };
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'range', start, end };
}
