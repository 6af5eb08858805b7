// Base files of boot media (kernel, ramdisk, boot loader): local files, or downloads kept in a bounded cache.
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import type { Settings } from '#config/settings.ts';
import type { Clock } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { connectionsTo, imageServerOptions, type ImageServerOptions, ServerRefused } from './image-server.ts';

/** A base file cannot be had. The message names the file as it was asked for. */
export class BootFileUnavailable extends Error {
  override readonly name = 'BootFileUnavailable';

  constructor(reference: string, reason: string, options?: ErrorOptions) {
    super(`The boot file ${shown(reference)} cannot be used: ${reason}.`, options);
  }
}

export interface BootFilesOptions extends ImageServerOptions {
  /** Where downloads are kept. */
  folder: string;
  /** Of one file, and of all that are kept. */
  maxFileBytes?: number;
  maxCacheBytes?: number;
  /** How long a download may take, however busily it drips. */
  downloadSeconds?: number;
  clock: Clock;
}

/** Who names the file: the operator of the service may name any, a node only what `allowedPaths` hold. */
export type NamedBy = { who: 'operator' } | { who: 'node'; allowedPaths: readonly string[] };

interface CacheEntry {
  file: string;
  etag: string | null;
  lastModified: string | null;
  checkedAt: number;
}

/** A server is asked whether a file changed at most this often. */
const freshMilliseconds = 5 * 60 * 1000;

export class BootFiles {
  readonly #options: Required<BootFilesOptions>;
  /** Downloads under way: a thousand machines that boot at once wait for one. */
  readonly #pending = new Map<string, Promise<string>>();

  constructor(options: BootFilesOptions) {
    this.#options = {
      maxFileBytes: 4 * 2 ** 30,
      maxCacheBytes: 20 * 2 ** 30,
      downloadSeconds: 3600,
      ...options,
    };
  }

  /**
   * The path of the file on this machine, downloaded first if it is not here. A file that changed where it came from
   * gets another path, so that what is being read stays what it was. Throws BootFileUnavailable. May be repeated.
   */
  async locate(reference: string, by: NamedBy, signal: AbortSignal): Promise<string> {
    if (isRemote(reference)) return await this.#download(reference, signal);
    return await this.#local(reference, by);
  }

  /**
   * Ensures that the file could be had a moment ago: what is on this machine is looked at, a server is asked for one
   * byte. Throws BootFileUnavailable. Keeps nothing. May be repeated.
   */
  async probe(reference: string, by: NamedBy, signal: AbortSignal): Promise<void> {
    if (!isRemote(reference)) {
      await this.#local(reference, by);
      return;
    }
    const status = await this.#askForOneByte(reference, signal);
    if (status !== 200 && status !== 206)
      throw new BootFileUnavailable(reference, `its server answered with status ${status}`);
  }

  async #askForOneByte(url: string, signal: AbortSignal): Promise<number> {
    try {
      await using connections = await this.#connectionsTo(url);
      const { dispatcher } = connections;
      const { statusCode, body } = await request(url, {
        dispatcher,
        signal,
        headers: { range: 'bytes=0-0' },
      });
      // The rest of a server's answer that knows no ranges is the whole file.
      body.on('error', () => {}).destroy();
      return statusCode;
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof BootFileUnavailable) throw cause;
      throw new BootFileUnavailable(url, `its server cannot be asked: ${messageOf(cause)}`, { cause });
    }
  }

  async #connectionsTo(url: string): ReturnType<typeof connectionsTo> {
    try {
      return await connectionsTo(url, this.#options);
    } catch (cause) {
      if (!(cause instanceof ServerRefused)) throw cause;
      throw new BootFileUnavailable(url, cause.message, { cause });
    }
  }

  async #local(reference: string, by: NamedBy): Promise<string> {
    const path = localPath(reference);
    // First as it is named: whether another file is there is nothing that a node's owner is to learn.
    if (by.who === 'node') await checkAllowed(reference, path, by.allowedPaths);
    try {
      // Again with links followed, so that none leads out of the allowed folders.
      const real = await realpath(path);
      if (by.who === 'node') await checkAllowed(reference, real, by.allowedPaths);
      const { size } = await checkRegular(reference, real);
      this.#checkSize(reference, size);
      return real;
    } catch (cause) {
      if (cause instanceof BootFileUnavailable) throw cause;
      throw new BootFileUnavailable(reference, 'it cannot be read', { cause });
    }
  }

  async #download(url: string, signal: AbortSignal): Promise<string> {
    const pending = this.#pending.get(url);
    if (pending) return await pending;
    const download = this.#refresh(url, signal).finally(() => this.#pending.delete(url));
    this.#pending.set(url, download);
    return await download;
  }

  async #refresh(url: string, signal: AbortSignal): Promise<string> {
    const { folder, clock } = this.#options;
    await mkdir(folder, { recursive: true });
    const key = createHash('sha256').update(url).digest('hex').slice(0, 32);
    const known = await this.#read(key);
    if (known && clock.now() - known.checkedAt < freshMilliseconds)
      return await touched(join(folder, known.file));
    try {
      const limit = AbortSignal.timeout(this.#options.downloadSeconds * 1000);
      return await this.#fetch(url, key, known, AbortSignal.any([signal, limit]));
    } catch (cause) {
      signal.throwIfAborted();
      // What is here was right a while ago, and a server that is away is no reason to stop every boot.
      if (known && !(cause instanceof BootFileUnavailable)) return await touched(join(folder, known.file));
      if (cause instanceof BootFileUnavailable) throw cause;
      throw new BootFileUnavailable(url, 'its server did not give it', { cause });
    }
  }

  async #fetch(url: string, key: string, known: CacheEntry | null, signal: AbortSignal): Promise<string> {
    const { folder, clock } = this.#options;
    await using connections = await this.#connectionsTo(url);
    const { dispatcher } = connections;
    const answer = await request(url, { dispatcher, signal, headers: conditions(known) });
    const { statusCode, headers, body } = answer;
    if (statusCode === 304 && known) {
      await body.dump();
      await this.#write(key, { ...known, checkedAt: clock.now() });
      return await touched(join(folder, known.file));
    }
    if (statusCode !== 200)
      throw new BootFileUnavailable(url, `its server answered with status ${statusCode}`);
    const temporary = join(folder, `${key}.${randomUUID()}.part`);
    try {
      const digest = await this.#store(url, body, temporary, signal);
      const file = `${key}.${digest.slice(0, 32)}`;
      await rename(temporary, join(folder, file));
      const { etag, 'last-modified': lastModified } = headers;
      await this.#write(key, {
        file,
        etag: one(etag),
        lastModified: one(lastModified),
        checkedAt: clock.now(),
      });
      await this.#evict(file);
      return join(folder, file);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Writes the body to the file and gives its digest. */
  async #store(url: string, body: NodeJS.ReadableStream, path: string, signal: AbortSignal): Promise<string> {
    const hash = createHash('sha256');
    let size = 0;
    const measure = new Transform({
      transform: (chunk: Uint8Array, _encoding, next) => {
        size += chunk.length;
        hash.update(chunk);
        try {
          this.#checkSize(url, size);
          next(null, chunk);
        } catch (error) {
          next(error instanceof Error ? error : new Error(String(error)));
        }
      },
    });
    await pipeline(body, measure, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
    if (size === 0) throw new BootFileUnavailable(url, 'it is empty');
    return hash.digest('hex');
  }

  #checkSize(reference: string, size: number): void {
    if (size > this.#options.maxFileBytes) {
      throw new BootFileUnavailable(reference, `it is larger than ${this.#options.maxFileBytes} bytes`);
    }
  }

  async #read(key: string): Promise<CacheEntry | null> {
    const { folder } = this.#options;
    try {
      // Written by `#write` alone, under a name nobody else chooses.
      const entry = JSON.parse(await readFile(join(folder, `${key}.json`), 'utf8')) as CacheEntry;
      await stat(join(folder, entry.file));
      return entry;
    } catch {
      return null; // not here, or half gone: it is downloaded again
    }
  }

  async #write(key: string, entry: CacheEntry): Promise<void> {
    const path = join(this.#options.folder, `${key}.json`);
    const temporary = `${path}.${randomUUID()}.part`;
    await writeFile(temporary, JSON.stringify(entry), { mode: 0o600 });
    await rename(temporary, path);
  }

  /** Removes what was used longest ago until the rest fits. What is open stays readable until it is closed. */
  async #evict(newest: string): Promise<void> {
    const { folder, maxCacheBytes } = this.#options;
    const names = (await readdir(folder)).filter((name) => !/\.(json|part)$/.test(name));
    const files = await Promise.all(
      names.map(async (name) => ({ name, ...sizeAndTime(await stat(join(folder, name))) })),
    );
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { name, size } of files.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (total <= maxCacheBytes) return;
      if (name === newest) continue;
      await rm(join(folder, name), { force: true });
      total -= size;
    }
  }
}

/** The base files as the settings want them: kept under the service's own data. */
export function createBootFiles(settings: Settings, clock: Clock): BootFiles {
  const folder = join(settings.ingot.data_path, 'boot-files');
  return new BootFiles({ folder, ...imageServerOptions(settings), clock });
}

const isRemote = (reference: string): boolean => /^https?:\/\//i.test(reference);

function localPath(reference: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(reference)) return resolve(reference);
  try {
    return fileURLToPath(reference);
  } catch (cause) {
    throw new BootFileUnavailable(reference, 'it is neither an http, https nor file URL nor a path', {
      cause,
    });
  }
}

/** A folder counts by its own name and by what that leads to. `path` has no `..` in it. */
async function checkAllowed(reference: string, path: string, allowed: readonly string[]): Promise<void> {
  const real = await Promise.all(allowed.map(async (folder) => await realpath(folder).catch(() => [])));
  const folders = [...allowed.map((folder) => resolve(folder)), ...real.flat()];
  if (folders.some((folder) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep))) return;
  throw new BootFileUnavailable(
    reference,
    'it is in none of the folders of [conductor]file_url_allowed_paths',
  );
}

/** A device or a pipe would never end. */
async function checkRegular(reference: string, path: string): Promise<{ size: number }> {
  const found = await stat(path);
  if (!found.isFile()) throw new BootFileUnavailable(reference, 'it is not a regular file');
  if (found.size === 0) throw new BootFileUnavailable(reference, 'it is empty');
  return found;
}

function conditions(known: CacheEntry | null): Record<string, string> {
  if (known?.etag) return { 'if-none-match': known.etag };
  return known?.lastModified ? { 'if-modified-since': known.lastModified } : {};
}

async function touched(path: string): Promise<string> {
  const now = new Date();
  const { mtime } = await stat(path);
  await utimes(path, now, mtime);
  return path;
}

function sizeAndTime({ size, atimeMs }: { size: number; atimeMs: number }): { size: number; usedAt: number } {
  return { size, usedAt: atimeMs };
}

function one(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}

/** A URL may carry a password or a signature. */
function shown(reference: string): string {
  const url = URL.parse(reference);
  if (!url || !url.host) return reference;
  return `${url.protocol}//${url.host}${url.pathname}`;
}
