// A file on a web server, read by byte ranges, as a BMC reads virtual media.
import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { BootFailure } from './errors.ts';

export interface ByteSource {
  /** Exactly that many bytes from there; throws BootFailure when they cannot be had. */
  read(offset: number, length: number): Promise<Buffer>;
}

const idleLimitMs = 15_000;
const longestRead = 64 * 1024 * 1024;

interface HttpBytesOptions {
  verifyCertificate: boolean;
  signal: AbortSignal;
}

export class HttpBytes implements ByteSource, Disposable {
  readonly #url: URL;
  readonly #signal: AbortSignal;
  readonly #agent: HttpAgent;
  readonly #get: typeof httpGet;

  constructor(url: string, options: HttpBytesOptions) {
    const parsed = URL.parse(url);
    if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:')
      throw new BootFailure(`The image's address is not an http or https URL: ${url}`);
    this.#url = parsed;
    this.#signal = options.signal;
    const secure = parsed.protocol === 'https:';
    this.#get = secure ? httpsGet : httpGet;
    this.#agent = secure
      ? new HttpsAgent({ keepAlive: true, rejectUnauthorized: options.verifyCertificate })
      : new HttpAgent({ keepAlive: true });
  }

  async read(offset: number, length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    if (length > longestRead) throw new BootFailure(`${length} bytes are too many to read at once.`);
    const response = await this.#request(`bytes=${offset}-${offset + length - 1}`);
    if (response.statusCode !== 206) {
      response.destroy();
      throw new BootFailure(
        response.statusCode === 200
          ? `The server at ${this.#url.host} ignores byte ranges.`
          : `The server at ${this.#url.host} answered ${response.statusCode} for ${this.#url.pathname}.`,
      );
    }
    const bytes = await collect(response, length);
    if (bytes.length !== length)
      throw new BootFailure(
        `Bytes ${offset} to ${offset + length - 1} of ${this.#url.pathname} ended early.`,
      );
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #request(range: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.#get(
        this.#url,
        { agent: this.#agent, headers: { range }, signal: this.#signal, timeout: idleLimitMs },
        resolve,
      );
      request.on('timeout', () => request.destroy(new Error(`silent for ${idleLimitMs / 1000} s`)));
      request.on('error', (cause) =>
        reject(new BootFailure(`Could not read ${this.#url.pathname} from ${this.#url.host}.`, { cause })),
      );
    });
  }
}

async function collect(response: IncomingMessage, atMost: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let total = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      // no encoding is set, so pieces are buffers
      pieces.push(piece);
      total += piece.length;
      if (total > atMost) break;
    }
  } catch (cause) {
    throw new BootFailure(`The image server dropped the connection after ${total} bytes.`, { cause });
  }
  return Buffer.concat(pieces);
}
