// Images that a controller shows to its machine as if a disc or stick were in it.
import { BmcProtocolError, BmcUnsupported } from '../errors.ts';
import type { Answer } from './answer.ts';
import type { RedfishClient, Resource } from './client.ts';
import { members, resources, ifThere } from './collections.ts';
import { booleanAt, linkAt, textAt, textsAt } from './json.ts';
import { managerPaths, readSystem } from './system.ts';
import { finishTask } from './tasks.ts';

export type MediaKind = 'CD' | 'Floppy' | 'USBStick';

/** The kinds of slot that take each kind of image. */
const slotKinds: Record<MediaKind, readonly string[]> = {
  CD: ['CD', 'DVD'],
  Floppy: ['Floppy'],
  USBStick: ['USBStick'],
};

export interface VirtualMediaSlot {
  path: string;
  mediaTypes: string[];
  isInserted: boolean;
  image: string | null;
}

export interface MediaRequest {
  kind: MediaKind;
  /** URL the controller fetches the image from. */
  image: string;
  username?: string;
  password?: string;
}

const retries = { attempts: 3, pauseMilliseconds: 3000 };

/** The slots of the machine, or where it has none those of its controllers. */
export async function listVirtualMedia(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<VirtualMediaSlot[]> {
  return (await slots(client, systemPath, signal)).map(describe);
}

async function slots(client: RedfishClient, systemPath: string, signal: AbortSignal): Promise<Resource[]> {
  const system = await readSystem(client, systemPath, signal);
  const own = await members(client, linkAt(system.body, 'VirtualMedia'), signal);
  if (own.length > 0) return own;
  const managers = await resources(client, await managerPaths(client, system, signal), signal);
  const found: Resource[] = [];
  for (const { body } of managers)
    found.push(...(await members(client, linkAt(body, 'VirtualMedia'), signal)));
  return found;
}

function describe({ path, body }: Resource): VirtualMediaSlot {
  const image = textAt(body, 'Image') ?? null;
  // Some services show an image without saying that it is inserted.
  const isInserted = booleanAt(body, 'Inserted') ?? image !== null;
  return { path, mediaTypes: textsAt(body, 'MediaTypes') ?? [], isInserted, image };
}

/**
 * Shows `image` to the machine, in the first slot of its kind that takes it, having ejected what is in slots of that
 * kind; returns the slot. A slot that cannot insert is passed over. Throws BmcUnsupported if none can, else the last
 * refusal. Repeatable: an image inserted before is ejected and inserted anew.
 */
export async function insertMedia(
  client: RedfishClient,
  systemPath: string,
  request: MediaRequest,
  signal: AbortSignal,
): Promise<VirtualMediaSlot> {
  // Who knows where the image is can read it, and services like to repeat what they could not fetch.
  using _secret = client.keepSecret(request.image, URL.parse(request.image)?.pathname ?? '');
  const candidates = (await slots(client, systemPath, signal)).filter((slot) => takes(slot, request.kind));
  let refused: unknown = new BmcUnsupported(
    client.address,
    `has no virtual media slot for a ${request.kind} for this machine`,
  );
  for (const slot of candidates) {
    try {
      if (describe(slot).isInserted) await ejectSlot(client, slot, signal);
      await insertInto(client, slot, request, signal);
      return describe(await client.get(slot.path, signal));
    } catch (error) {
      if (!isForAnotherSlot(error)) throw error;
      refused = error;
    }
  }
  throw refused;
}

/** Takes the image out of every slot of that kind, or of all. Repeatable. */
export async function ejectMedia(
  client: RedfishClient,
  systemPath: string,
  kind: MediaKind | null,
  signal: AbortSignal,
): Promise<void> {
  for (const slot of await slots(client, systemPath, signal)) {
    if ((kind === null || takes(slot, kind)) && describe(slot).isInserted)
      await ejectSlot(client, slot, signal);
  }
}

function takes(slot: Resource, kind: MediaKind): boolean {
  return describe(slot).mediaTypes.some((type) => slotKinds[kind].includes(type));
}

/** Cisco: internal slots are listed like others and answer 400 or 405. */
function isForAnotherSlot(error: unknown): boolean {
  if (error instanceof BmcUnsupported) return true;
  return error instanceof BmcProtocolError && (error.status === 400 || error.status === 405);
}

async function insertInto(
  client: RedfishClient,
  slot: Resource,
  { image, username, password }: MediaRequest,
  signal: AbortSignal,
): Promise<void> {
  const target = textAt(slot.body, 'Actions', '#VirtualMedia.InsertMedia', 'target');
  const body: Record<string, unknown> = {
    Image: image,
    Inserted: true,
    WriteProtected: true,
    ...(username === undefined ? {} : { UserName: username }),
    ...(password === undefined ? {} : { Password: password }),
  };
  if (target === undefined) {
    await client.patch(slot, { Image: image, Inserted: true }, signal);
    return;
  }
  const isIn = async (): Promise<boolean> => {
    const now = describe(await client.get(slot.path, signal));
    return now.isInserted && now.image === image;
  };
  const insert = async (more: Record<string, unknown>): Promise<void> => {
    await persist(client, () => client.post(target, { ...body, ...more }, signal), isIn, signal);
  };
  try {
    await insert({});
  } catch (error) {
    const missing = missingParameters(error, image, body);
    if (missing === null) throw error;
    await insert(missing);
  }
}

/** Parameters that the standard leaves out at will and a service insists on; null if that is not what it said. */
function missingParameters(
  error: unknown,
  image: string,
  sent: Record<string, unknown>,
): Record<string, unknown> | null {
  if (!(error instanceof BmcProtocolError) || error.status !== 400) return null;
  if (!error.says('ActionParameterMissing') && !error.says('PropertyMissing')) return null;
  const missing: Record<string, unknown> = {};
  if (/TransferProtocolType/i.test(error.message)) {
    missing['TransferProtocolType'] = (URL.parse(image)?.protocol ?? 'http:').slice(0, -1).toUpperCase();
  }
  // NVIDIA: wants credentials for a server that asks for none.
  if (/UserName|Password/i.test(error.message) && sent['UserName'] === undefined) {
    Object.assign(missing, { UserName: 'none', Password: 'none' });
  }
  return Object.keys(missing).length > 0 ? missing : null;
}

async function ejectSlot(client: RedfishClient, slot: Resource, signal: AbortSignal): Promise<void> {
  const isOut = async (): Promise<boolean> => {
    const now = await ifThere(client.get(slot.path, signal));
    return now === undefined || !describe(now).isInserted;
  };
  const target = textAt(slot.body, 'Actions', '#VirtualMedia.EjectMedia', 'target');
  const eject = async (): Promise<Answer> => {
    if (target === undefined) return client.patch(slot, { Image: null, Inserted: false }, signal);
    try {
      return await client.post(target, null, signal);
    } catch (error) {
      // HPE: an action needs a body, be it empty.
      if (!(error instanceof BmcProtocolError && (error.status === 400 || error.status === 415))) throw error;
      return client.post(target, {}, signal);
    }
  };
  await persist(client, eject, isOut, signal);
}

/** Does `act`, and after a 5xx does it again unless it turns out to have worked: services fail while media change. */
async function persist(
  client: RedfishClient,
  act: () => Promise<Answer>,
  hasWorked: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await finishTask(client, await act(), signal);
      return;
    } catch (error) {
      const isTheirs = error instanceof BmcProtocolError && (error.status ?? 0) >= 500;
      if (!isTheirs || attempt > retries.attempts) throw error;
      await client.clock.sleep(retries.pauseMilliseconds, signal);
      if (await hasWorked()) return;
    }
  }
}
