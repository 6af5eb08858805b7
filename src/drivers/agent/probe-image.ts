// Whether an image could be fetched: asked of its server in one byte, as the agent would ask for it.
import { request } from 'undici';
import { connectionsTo, imageServerOptions, type ImageServerOptions } from '#images/image-server.ts';
import { messageOf } from '#model/message.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { InventoryDisk } from '#protocol/agent-commands.ts';
import type { PreflightFinding } from '#protocol/preflight.ts';
import { chooseRootDisk, disksNotSkipped, NoSuchDisk } from '#protocol/root-device.ts';
import type { Task } from '../task.ts';
import { imageInfoOf } from './image-info.ts';

const gibibyte = 2 ** 30;
/** A list of digests is small; more is not read. */
const longestList = 2 ** 20;

interface Found {
  status: number;
  size: number | null;
  text: string;
}

/** Findings on the image, its checksum and its size. Throws nothing but the signal's reason; changes nothing. */
export async function probeImage(
  task: Task,
  disks: readonly InventoryDisk[] | null,
): Promise<PreflightFinding[]> {
  const root = rootDisk(task.node, disks);
  return [root.finding, ...(await lookAtImage(task, root.disk))];
}

/** Which disk the image would go to, by what the last inspection found. */
function rootDisk(
  node: NodeRecord,
  disks: readonly InventoryDisk[] | null,
): { finding: PreflightFinding; disk?: InventoryDisk } {
  const name = 'root device';
  if (disks === null)
    return { finding: { name, result: 'unknown', reason: 'No inspection has told which disks there are.' } };
  try {
    const disk = chooseRootDisk(disksNotSkipped(disks, node), node);
    const reason = `It would be ${disk.name}, of ${disk.size} bytes, as the last inspection found it.`;
    return { finding: { name, result: 'ok', reason }, disk };
  } catch (error) {
    if (!(error instanceof NoSuchDisk)) throw error;
    return { finding: { name, result: 'failed', reason: `${error.message}.` } };
  }
}

async function lookAtImage(task: Task, disk: InventoryDisk | undefined): Promise<PreflightFinding[]> {
  const { node, settings, signal } = task;
  const server = imageServerOptions(settings);
  let info;
  try {
    info = imageInfoOf(node, settings);
  } catch (error) {
    return [{ name: 'image', result: 'failed', reason: messageOf(error) }];
  }
  if (info.proxies)
    return [{ name: 'image', result: 'unknown', reason: 'The agent fetches it through a proxy of its own.' }];
  const login = { user: info.image_server_user, password: info.image_server_password };
  const [url] = info.urls;
  const image = await ask(url ?? '', { range: 'bytes=0-0' }, { login, server, signal });
  if ('failure' in image) return [{ name: 'image', result: 'failed', reason: image.failure }];
  return [
    reachable(image),
    sizeAgainstDisk(image, diskSize(task.node, disk), info.disk_format),
    await checksum(info.checksum ?? null, url ?? '', { login, server, signal }),
  ];
}

function reachable({ status, size }: Found): PreflightFinding {
  const told = size === null ? 'it does not tell how large the image is' : `the image has ${size} bytes`;
  if (status === 200 || status === 206)
    return { name: 'image', result: 'ok', reason: `Its server has it; ${told}.` };
  if (status >= 300 && status < 400)
    return {
      name: 'image',
      result: 'unknown',
      reason: 'Its server sends whoever asks elsewhere; that is not followed here.',
    };
  return { name: 'image', result: 'failed', reason: `Its server answered with status ${status}.` };
}

interface DiskSize {
  readonly bytes: number;
  readonly words: string;
}

/** Of the disk that was found; else what the node says of itself. */
function diskSize({ properties }: NodeRecord, disk: InventoryDisk | undefined): DiskSize | null {
  if (disk) return { bytes: disk.size, words: `${disk.name}, of ${disk.size} bytes` };
  const said = properties['local_gb'];
  const gigabytes = typeof said === 'number' || typeof said === 'string' ? Number(said) : NaN;
  return gigabytes > 0 ? { bytes: gigabytes * gibibyte, words: `a disk of ${gigabytes} GiB` } : null;
}

function sizeAgainstDisk(
  { size }: Found,
  disk: DiskSize | null,
  format: string | undefined,
): PreflightFinding {
  const name = 'image size';
  if (disk === null)
    return {
      name,
      result: 'unknown',
      reason: 'Neither an inspection nor properties.local_gb says how large the disk is.',
    };
  if (size === null)
    return { name, result: 'unknown', reason: 'The server does not tell the size of the image.' };
  if (size > disk.bytes)
    return { name, result: 'failed', reason: `${size} bytes do not fit on ${disk.words}.` };
  const reason = `${size} bytes go on ${disk.words}`;
  return format === 'raw'
    ? { name, result: 'ok', reason: `${reason}.` }
    : { name, result: 'unknown', reason: `${reason}, but the image may grow when it is unpacked.` };
}

async function checksum(given: string | null, imageUrl: string, asking: Asking): Promise<PreflightFinding> {
  const name = 'image checksum';
  if (given === null || !given.includes('://'))
    return { name, result: 'ok', reason: 'It is given, well formed and of a kind that counts.' };
  const list = await ask(given, {}, asking);
  if ('failure' in list) return { name, result: 'failed', reason: list.failure };
  if (list.status !== 200)
    return {
      name,
      result: 'failed',
      reason: `The server of the checksum file answered with status ${list.status}.`,
    };
  const file = new URL(imageUrl).pathname.split('/').at(-1) ?? '';
  const lines = list.text.split('\n').filter((line) => line.trim() !== '');
  const isListed =
    lines.some((line) => line.includes(file)) ||
    (lines.length === 1 && /^[0-9a-f]{32,128}$/i.test(lines[0]?.trim() ?? ''));
  return isListed
    ? { name, result: 'ok', reason: 'The checksum file lists the image.' }
    : { name, result: 'failed', reason: `The checksum file does not list ${file}.` };
}

interface Asking {
  readonly login: { user: string | undefined; password: string | undefined };
  readonly server: ImageServerOptions;
  readonly signal: AbortSignal;
}

/** One request, not redirected, of which a bounded part is read. */
async function ask(
  url: string,
  headers: Record<string, string>,
  { login: { user, password }, server, signal }: Asking,
): Promise<Found | { failure: string }> {
  const authorization =
    user === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` };
  try {
    await using connections = await connectionsTo(url, server);
    const { dispatcher } = connections;
    const answer = await request(url, { dispatcher, headers: { ...headers, ...authorization }, signal });
    const { statusCode: status, body } = answer;
    const total = /\/(\d+)$/.exec(String(answer.headers['content-range'] ?? ''))?.[1];
    const length = answer.headers['content-length'];
    const size = total ?? (status === 200 && typeof length === 'string' ? length : null);
    const text = headers['range'] === undefined ? await readSome(body) : '';
    // The rest of a server's answer that knows no ranges is a whole image.
    body.on('error', () => {}).destroy();
    return { status, size: size === null ? null : Number(size), text };
  } catch (error) {
    signal.throwIfAborted();
    return { failure: `Its server cannot be reached from the conductor: ${messageOf(error)}` };
  }
}

async function readSome(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString('utf8');
    if (text.length > longestList) break;
  }
  return text;
}
