// The settings of a machine's firmware. What is set waits beside the current values until the machine starts again.
import { BmcUnsupported } from '../errors.ts';
import type { RedfishClient, Resource } from './client.ts';
import { ifThere } from './collections.ts';
import { linkAt, objectAt, textAt, textsAt } from './json.ts';
import { readSystem } from './system.ts';

export type BiosValue = string | number | boolean | null;

export interface Bios {
  attributes: Record<string, BiosValue>;
  /** What the next start applies; null where the service does not show it. */
  pending: Record<string, BiosValue> | null;
  /** Name of the registry that describes the attributes. */
  registry: string | null;
}

/** Throws BmcUnsupported if the service shows no settings. */
export async function readBios(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<Bios> {
  const bios = await biosResource(client, systemPath, signal);
  const settings = await settingsOf(client, bios, signal);
  return {
    attributes: attributesOf(bios) ?? {},
    pending: settings === bios ? null : attributesOf(settings),
    registry: textAt(bios.body, 'AttributeRegistry') ?? null,
  };
}

/**
 * Sets attributes for the next start; `unchanged` if all have these values already and nothing else is pending for
 * them. Repeatable.
 */
export async function setBiosAttributes(
  client: RedfishClient,
  systemPath: string,
  attributes: Record<string, BiosValue>,
  signal: AbortSignal,
): Promise<'pending' | 'unchanged'> {
  const bios = await biosResource(client, systemPath, signal);
  const settings = await settingsOf(client, bios, signal);
  const effective = { ...attributesOf(bios), ...(settings === bios ? {} : attributesOf(settings)) };
  const isSame = Object.entries(attributes).every(
    ([name, value]) => Object.hasOwn(effective, name) && effective[name] === value,
  );
  if (isSame)
    return Object.keys(attributes).every((name) => attributesOf(bios)?.[name] === attributes[name])
      ? 'unchanged'
      : 'pending';
  const applyTimes = textsAt(bios.body, '@Redfish.Settings', 'SupportedApplyTimes') ?? [];
  const applyTime = applyTimes.includes('OnReset')
    ? { '@Redfish.SettingsApplyTime': { ApplyTime: 'OnReset' } }
    : {};
  await client.patch(settings, { Attributes: attributes, ...applyTime }, signal);
  return 'pending';
}

/** The maker's settings, from the next start on. Throws BmcUnsupported if the service does not offer it. */
export async function resetBios(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<void> {
  const bios = await biosResource(client, systemPath, signal);
  const target = textAt(bios.body, 'Actions', '#Bios.ResetBios', 'target');
  if (target === undefined)
    throw new BmcUnsupported(client.address, 'cannot reset the BIOS settings of this machine');
  await client.post(target, {}, signal);
}

async function biosResource(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<Resource> {
  const path = linkAt((await readSystem(client, systemPath, signal)).body, 'Bios');
  const bios = path === undefined ? undefined : await ifThere(client.get(path, signal));
  if (bios === undefined) throw new BmcUnsupported(client.address, 'shows no BIOS settings of this machine');
  return bios;
}

/** Where changes are written: the settings resource, or in old services the current values themselves. */
async function settingsOf(client: RedfishClient, bios: Resource, signal: AbortSignal): Promise<Resource> {
  const path = linkAt(bios.body, '@Redfish.Settings', 'SettingsObject');
  return path === undefined ? bios : client.get(path, signal);
}

function attributesOf({ body }: Resource): Record<string, BiosValue> | null {
  const attributes = objectAt(body, 'Attributes');
  if (attributes === undefined) return null;
  const isValue = (value: unknown): value is BiosValue =>
    value === null || ['string', 'number', 'boolean'].includes(typeof value);
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (isValue(value) ? [[name, value] as const] : [])),
  );
}
