// Streams an image to a disk.
// Ensures: every byte written is of an image whose checksum is right, and is read back from the disk.
// When: in the deploy step write_image and in standby.prepare_image.
// Not its business: which disk, partition tables, config drives.
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { findInChecksumList, InvalidChecksum, isChecksumUrl, parseChecksum } from '#images/checksum.ts';
import type { Checksum } from '#images/checksum.ts';
import { decompressed } from '#images/decompress.ts';
import type { ImageForm } from '#images/decompress.ts';
import { messageOf } from '#model/message.ts';
import type { ImageInfo } from '#protocol/agent-commands.ts';
import {
  AgentFault,
  DiskTooSmall,
  ImageChecksumWrong,
  ImageDownloadFailed,
  ImageRefused,
  ImageWriteFailed,
  InvalidContent,
} from './faults.ts';
import type { OpenDisk } from './hardware.ts';
import { displayUrl, request } from './http-client.ts';
import { downloadImage } from './image-download.ts';
import type { Download, DownloadSettings } from './image-download.ts';
import { progressOf } from './progress.ts';
import type { ReportProgress } from './progress.ts';

export interface WriteImageSettings {
  download: Omit<DownloadSettings, 'headers' | 'proxies'>;
  allowMd5: boolean;
  report: ReportProgress;
}

const chunkSize = 1024 * 1024;
/** Dirty pages are bounded by flushing this often: what is asked for last must not wait for gigabytes. */
const flushEvery = 256 * chunkSize;
/** What is read back is compared by this, whatever the image's own checksum is. */
const readBackAlgorithm = 'sha256';

/**
 * Writes the image to the disk from its first byte on and verifies both the image and the disk. May be repeated.
 * After a failure that left the disk with a part of an image, the disk's first mebibyte is cleared, so that no
 * machine starts from an image that was never whole.
 * @throws ImageRefused, ImageDownloadFailed, ImageChecksumWrong, DiskTooSmall, ImageWriteFailed, InvalidContent
 */
export async function writeImage(
  disk: OpenDisk,
  image: ImageInfo,
  settings: WriteImageSettings,
): Promise<void> {
  checkImage(image);
  const download: DownloadSettings = {
    ...settings.download,
    headers: authorization(image),
    proxies: proxies(image),
  };
  const checksum = await expectedChecksum(image, settings.allowMd5, download);
  let written: Written;
  try {
    written = await streamToDisk(disk, image, checksum.algorithm, download, settings.report);
    if (written.imageDigest !== checksum.digest)
      throw new ImageChecksumWrong(image.id, checksum.algorithm, checksum.digest, written.imageDigest);
    await verifyDisk(disk, written, settings);
  } catch (error) {
    // The failure to report is the first one, even if the disk now fails altogether.
    await clearHead(disk).catch((cause: unknown) =>
      settings.download.log.error(`could not clear the start of ${disk.name}`, cause),
    );
    throw error;
  }
}

interface Written {
  bytes: number;
  /** Of the image as published, by the algorithm of its checksum. */
  imageDigest: string;
  /** Of what was written, by readBackAlgorithm. */
  diskDigest: string;
}

function checkImage(image: ImageInfo) {
  const { id, urls, disk_format: format, image_type: type } = image;
  if (typeof id !== 'string' || !Array.isArray(urls) || urls.length === 0)
    throw new InvalidContent('image_info must have an id and at least one entry in urls');
  for (const url of urls)
    if (typeof url !== 'string' || !/^https?:\/\//i.test(url) || !URL.canParse(url))
      throw new InvalidContent(
        `image_info.urls of image ${id} has something that is not an http or https URL`,
      );
  if (format && format !== 'raw' && format !== 'gpt')
    throw new ImageRefused(
      `Image ${id} is declared ${format}; this agent writes raw images, plain, gzip or zstd`,
    );
  if (type && type !== 'whole-disk')
    throw new ImageRefused(`Image ${id} is declared a ${type} image; this agent writes whole-disk images`);
}

/** Tries one URL after the other until one begins to answer; after that the image is that one's. */
async function streamToDisk(
  disk: OpenDisk,
  image: ImageInfo,
  algorithm: string,
  settings: DownloadSettings,
  report: ReportProgress,
): Promise<Written> {
  let failure: unknown;
  for (const url of image.urls) {
    try {
      const download = await downloadImage(url, settings);
      return await writeStream(disk, image, algorithm, download, report);
    } catch (error) {
      if (!(error instanceof ImageDownloadFailed)) throw error;
      failure = error;
      settings.log.warning(`image ${image.id} from ${displayUrl(url)}`, error);
    }
  }
  throw failure;
}

async function writeStream(
  disk: OpenDisk,
  image: ImageInfo,
  algorithm: string,
  { total, chunks }: Download,
  report: ReportProgress,
): Promise<Written> {
  const imageHash = createHash(algorithm);
  let downloaded = 0;
  let forms = 0;
  let isPlain = true;
  const onForm = (form: ImageForm) => {
    forms += 1;
    if (forms === 1 && (form === 'gzip' || form === 'zstd')) isPlain = false;
    else if (form !== 'raw')
      throw new ImageRefused(
        `Image ${image.id} is ${form}; this agent writes raw images, plain, gzip or zstd`,
      );
    if (isPlain && total !== null && total > disk.size)
      throw new DiskTooSmall(image.id, String(total), disk.name, disk.size);
  };
  async function* counted() {
    for await (const chunk of chunks) {
      imageHash.update(chunk);
      downloaded += chunk.length;
      yield chunk;
    }
  }
  const content = decompressed(counted(), onForm);
  try {
    const { bytes, hash } = await writeChunks(disk, image, content, () =>
      report(progressOf('download', disk.name, downloaded, total)),
    );
    if (bytes === 0) throw new ImageRefused(`Image ${image.id} is empty`);
    return { bytes, imageDigest: imageHash.digest('hex'), diskDigest: hash.digest('hex') };
  } catch (error) {
    if (error instanceof AgentFault || isAbort(error)) throw error;
    throw contentFault(error, image, downloaded);
  }
}

/** Gathers what comes into whole chunks and writes them; holds one chunk and what the streams before it hold. */
async function writeChunks(
  disk: OpenDisk,
  image: ImageInfo,
  content: AsyncIterable<Buffer>,
  onWritten: () => void,
): Promise<{ bytes: number; hash: Hash }> {
  const hash = createHash(readBackAlgorithm);
  const gathered = Buffer.allocUnsafe(chunkSize);
  let filled = 0;
  let bytes = 0;
  const put = async () => {
    const chunk = gathered.subarray(0, filled);
    if (bytes + chunk.length > disk.size)
      throw new DiskTooSmall(image.id, `more than ${disk.size}`, disk.name, disk.size);
    hash.update(chunk);
    await disk.write(bytes, chunk);
    bytes += filled;
    filled = 0;
    if (bytes % flushEvery === 0) await disk.flush();
    onWritten();
  };
  for await (const piece of content) {
    for (let from = 0; from < piece.length;) {
      const copied = piece.copy(gathered, filled, from);
      from += copied;
      filled += copied;
      if (filled === chunkSize) await put();
    }
  }
  if (filled > 0) await put();
  await disk.flush();
  return { bytes, hash };
}

async function verifyDisk(
  disk: OpenDisk,
  { bytes, diskDigest }: Written,
  { report, download }: WriteImageSettings,
) {
  const hash = createHash(readBackAlgorithm);
  const chunk = Buffer.allocUnsafe(chunkSize);
  for (let offset = 0; offset < bytes; offset += chunkSize) {
    download.signal.throwIfAborted();
    const part = chunk.subarray(0, Math.min(chunkSize, bytes - offset));
    await disk.read(offset, part);
    hash.update(part);
    report(progressOf('verify', disk.name, offset + part.length, bytes));
  }
  if (hash.digest('hex') !== diskDigest)
    throw new ImageWriteFailed(
      `${disk.name} does not hold what was written to it: reading back ${bytes} bytes gives others`,
    );
}

async function expectedChecksum(
  image: ImageInfo,
  allowMd5: boolean,
  settings: DownloadSettings,
): Promise<Checksum> {
  const { id, checksum, os_hash_algo: algorithm, os_hash_value: digest } = image;
  try {
    if (digest && algorithm) return parseChecksum(digest, algorithm, { allowMd5 });
    if (!checksum) throw new InvalidChecksum('none was given');
    if (!isChecksumUrl(checksum)) return parseChecksum(checksum, null, { allowMd5 });
    const { status, bytes } = await request(checksum, settings);
    if (status !== 200) throw new InvalidChecksum(`${displayUrl(checksum)} answers ${status}`);
    const fileName = decodeURIComponent(new URL(image.urls[0] ?? '').pathname.split('/').at(-1) ?? '');
    const found = findInChecksumList(bytes.toString('utf8'), fileName);
    return parseChecksum(found.digest, found.algorithm, { allowMd5 });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new ImageRefused(`The checksum of image ${id} cannot be used: ${reason}`, { cause });
  }
}

function authorization(image: ImageInfo): Record<string, string> {
  if (image.image_request_authorization)
    return { Authorization: Buffer.from(image.image_request_authorization, 'base64').toString('utf8') };
  if (image.image_server_auth_strategy !== 'http_basic') return {};
  const credentials = `${image.image_server_user ?? ''}:${image.image_server_password ?? ''}`;
  return { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function proxies({ proxies: given, no_proxy: none }: ImageInfo) {
  return { http: given?.http, https: given?.https, none };
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function contentFault(cause: unknown, image: ImageInfo, downloaded: number): AgentFault {
  const isZlib = cause instanceof Error && 'code' in cause && /^(Z_|ZSTD_|ERR_)/.test(String(cause.code));
  const reason = messageOf(cause);
  if (cause instanceof Error && cause.name === 'TimeoutError')
    return new ImageDownloadFailed(
      `Image ${image.id} was not downloaded within the time it may take: ${downloaded} bytes came`,
    );
  return isZlib
    ? new ImageRefused(`Image ${image.id} cannot be decompressed: ${reason}, near byte ${downloaded}`, {
        cause,
      })
    : new ImageWriteFailed(`Image ${image.id} could not be written: ${reason}`, { cause });
}

async function clearHead(disk: OpenDisk) {
  await disk.write(0, Buffer.alloc(Math.min(chunkSize, disk.size)));
  await disk.flush();
}
