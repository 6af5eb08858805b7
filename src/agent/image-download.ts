// Downloads an image as a stream that survives dropped connections.
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Clock } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { ImageDownloadFailed } from './faults.ts';
import { displayUrl, openResponse, readChunks } from './http-client.ts';
import type { Proxies } from './http-client.ts';
import type { Log } from './log.ts';

export interface DownloadSettings {
  headers: OutgoingHttpHeaders;
  proxies: Proxies;
  insecure: boolean;
  /** How long an answer or the next bytes may take. */
  timeoutSeconds: number;
  /** How often a connection may fail and be taken up again, over the whole download. */
  retries: number;
  retryIntervalSeconds: number;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

export interface Download {
  /** Bytes of the whole image as published; null when the server does not say. */
  readonly total: number | null;
  /** The bytes, each once and in order, whatever happens to the connections that carry them. */
  readonly chunks: AsyncGenerator<Buffer>;
}

/** The image as its first answer described it: what later answers must still be about. */
interface Version {
  total: number | null;
  validator: string | null;
}

/**
 * Begins to download `url`. A connection that fails is taken up where it broke: by a range when the server has
 * ranges, else by reading past what is known already.
 * @throws ImageDownloadFailed, also while the chunks are read, naming the URL and how far it came.
 */
export async function downloadImage(url: string, settings: DownloadSettings): Promise<Download> {
  const attempts = new Attempts(url, settings);
  const first = await attempts.connect(0, null);
  const version = versionOf(first);
  return { total: version.total, chunks: resumingChunks(first, version, attempts, settings) };
}

async function* resumingChunks(
  first: IncomingMessage,
  version: Version,
  attempts: Attempts,
  settings: DownloadSettings,
): AsyncGenerator<Buffer> {
  let offset = 0;
  let response = first;
  for (;;) {
    try {
      let toSkip = response.statusCode === 206 ? 0 : offset;
      for await (const chunk of readChunks(response, settings.timeoutSeconds)) {
        const fresh = chunk.subarray(Math.min(toSkip, chunk.length));
        toSkip -= chunk.length - fresh.length;
        offset += fresh.length;
        if (fresh.length > 0) yield fresh;
      }
      if (version.total !== null && offset < version.total)
        throw new Error(`the server ended the image after ${offset} of ${version.total} bytes`);
      return;
    } catch (error) {
      await attempts.pause(offset, version.total, error);
    }
    response = await attempts.connect(offset, version);
  }
}

/** The connections tried for one image, of which there is a limited number. */
class Attempts {
  readonly #url: string;
  readonly #settings: DownloadSettings;
  #failed = 0;

  constructor(url: string, settings: DownloadSettings) {
    this.#url = url;
    this.#settings = settings;
  }

  /** An answer that holds the image from `offset` on, or the whole of it. */
  async connect(offset: number, version: Version | null): Promise<IncomingMessage> {
    for (;;) {
      try {
        return await this.#connectOnce(offset, version);
      } catch (error) {
        if (error instanceof ImageDownloadFailed) throw error;
        await this.pause(offset, version?.total ?? null, error);
      }
    }
  }

  /** Counts a failure and waits before the next attempt. @throws ImageDownloadFailed when that was the last. */
  async pause(offset: number, total: number | null, cause: unknown) {
    const { signal, retries, retryIntervalSeconds, clock, log } = this.#settings;
    signal.throwIfAborted();
    this.#failed += 1;
    const reason = messageOf(cause);
    const where = `at byte ${offset}${total === null ? '' : ` of ${total}`}`;
    if (this.#failed > retries)
      throw new ImageDownloadFailed(
        `Could not download ${displayUrl(this.#url)}: ${where}: ${reason} (attempt ${this.#failed}, the last)`,
        { cause },
      );
    log.warning(`download of ${displayUrl(this.#url)} broke ${where}, attempt ${this.#failed}: ${reason}`);
    await clock.sleep(retryIntervalSeconds * 1000, signal);
  }

  async #connectOnce(offset: number, version: Version | null): Promise<IncomingMessage> {
    const { headers, timeoutSeconds, insecure, proxies, signal } = this.#settings;
    const response = await openResponse(this.#url, {
      // The checksum is of the bytes as published, so no transfer may compress them on its own.
      headers: { ...headers, 'Accept-Encoding': 'identity', ...rangeHeaders(offset, version) },
      timeoutSeconds,
      insecure,
      proxies,
      signal,
    });
    try {
      this.#checkAnswer(response, offset, version);
      return response;
    } catch (error) {
      response.destroy();
      throw error;
    }
  }

  #checkAnswer(response: IncomingMessage, offset: number, version: Version | null) {
    const { statusCode = 0, headers } = response;
    const url = displayUrl(this.#url);
    if (statusCode >= 500 || statusCode === 408 || statusCode === 429)
      throw new Error(`the server answers ${statusCode}`);
    if (statusCode !== 200 && statusCode !== 206)
      throw new ImageDownloadFailed(`Could not download ${url}: the server answers ${statusCode}`);
    if (version === null) return;
    const changed = new ImageDownloadFailed(`The image at ${url} changed while it was being downloaded`);
    const now = versionOf(response);
    if (differ(now.total, version.total) || differ(now.validator, version.validator)) throw changed;
    const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
    if (statusCode === 206 && Number(start) !== offset)
      throw new ImageDownloadFailed(
        `${url} was asked from byte ${offset} on, and answers from byte ${start}`,
      );
  }
}

/** A partial answer may leave out what the full one said. */
function differ(now: string | number | null, before: string | number | null): boolean {
  return now !== null && before !== null && now !== before;
}

function rangeHeaders(offset: number, version: Version | null): OutgoingHttpHeaders {
  if (offset === 0) return {};
  return { Range: `bytes=${offset}-`, ...(version?.validator && { 'If-Range': version.validator }) };
}

function versionOf({ statusCode, headers }: IncomingMessage): Version {
  const length =
    statusCode === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length'];
  // A weak entity tag does not promise the same bytes, so it is no validator for ranges (RFC 9110 §13.1.5).
  const tag = headers.etag?.startsWith('W/') ? undefined : headers.etag;
  return {
    total: length === undefined ? null : Number(length),
    validator: tag ?? headers['last-modified'] ?? null,
  };
}
