// The config drive: where its bytes come from, and how they get into their partition.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ConfigDriveFailed } from './faults.ts';
import type { OpenDisk } from './hardware.ts';
import { displayUrl, request } from './http-client.ts';
import type { RequestSettings } from './http-client.ts';
import type { Extent } from './partition-table.ts';

/** The largest config drive, and the size of the partition made for one. */
export const configDriveSize = 64 * 1024 ** 2;

const unzip = promisify(gunzip);

/**
 * The file system image in `configDrive`: base64 of a gzipped or plain ISO 9660 or FAT image, or the http(s) URL of
 * such a text or of the image itself.
 * @throws ConfigDriveFailed; the message never has any of the content.
 */
export async function readConfigDrive(configDrive: string, settings: RequestSettings): Promise<Buffer> {
  const given = /^https?:\/\//i.test(configDrive.trim())
    ? await fetchConfigDrive(configDrive.trim(), settings)
    : decodeBase64(configDrive);
  const image = isGzip(given) ? await inflate(given) : given;
  if (image.length > configDriveSize)
    throw new ConfigDriveFailed(
      `The config drive has ${image.length} bytes; the limit is ${configDriveSize}`,
    );
  if (!isGzip(given) && !isFileSystem(image))
    throw new ConfigDriveFailed('The config drive is neither gzip nor an ISO 9660 or FAT image');
  return image;
}

/** Writes the image to its partition and reads it back. May be repeated. @throws ConfigDriveFailed */
export async function writeConfigDrive(
  disk: OpenDisk,
  { offset, size }: Extent,
  image: Buffer,
): Promise<void> {
  if (image.length > size)
    throw new ConfigDriveFailed(
      `The config drive has ${image.length} bytes, its partition on ${disk.name} has ${size}`,
    );
  await disk.write(offset, image);
  await disk.flush();
  const readBack = Buffer.allocUnsafe(image.length);
  await disk.read(offset, readBack);
  if (!readBack.equals(image))
    throw new ConfigDriveFailed(`${disk.name} does not hold the config drive that was written to it`);
}

async function fetchConfigDrive(url: string, settings: RequestSettings): Promise<Buffer> {
  const { status, bytes } = await fetchOrFail(url, settings);
  if (status !== 200) throw new ConfigDriveFailed(`The config drive at ${displayUrl(url)} answers ${status}`);
  return isGzip(bytes) || isFileSystem(bytes) ? bytes : decodeBase64(bytes.toString('latin1'));
}

async function fetchOrFail(url: string, settings: RequestSettings) {
  try {
    // Base64 of the largest drive, with line ends, is under twice its size.
    return await request(url, { ...settings, maximumBytes: 2 * configDriveSize });
  } catch (cause) {
    throw new ConfigDriveFailed(`The config drive could not be fetched from ${displayUrl(url)}`, { cause });
  }
}

function decodeBase64(text: string): Buffer {
  // Buffer.from skips what is not base64 without a word. The end is cut off first: two patterns that both take blanks
  // would try each way to share a long run of them.
  if (!/^[A-Za-z0-9+/\s]+={0,2}$/.test(text.trimEnd()))
    throw new ConfigDriveFailed('The config drive is not base64 text');
  return Buffer.from(text, 'base64');
}

async function inflate(compressed: Buffer): Promise<Buffer> {
  try {
    return await unzip(compressed, { maxOutputLength: configDriveSize });
  } catch (cause) {
    const isLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    throw new ConfigDriveFailed(
      isLarge
        ? `The config drive has more than ${configDriveSize} bytes`
        : 'The config drive cannot be decompressed: it is damaged or cut short',
      { cause },
    );
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function isFileSystem(bytes: Buffer): boolean {
  return bytes.toString('latin1', 32_769, 32_774) === 'CD001' || (bytes[510] === 0x55 && bytes[511] === 0xaa);
}
