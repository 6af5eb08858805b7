// Finding the machine behind a service, and what it says about itself.
import { BmcUnsupported } from '../errors.ts';
import type { RedfishClient, Resource } from './client.ts';
import { linksOf, memberPaths } from './collections.ts';
import { linkAt, listAt, textAt } from './json.ts';

/**
 * The path of the machine: the one given (`redfish_system_id`: a path, or the name of a member), or the only member
 * of the service's Systems. Throws BmcUnsupported when there is none or more than one to choose from.
 */
export async function findSystem(
  client: RedfishClient,
  systemId: string | null,
  signal: AbortSignal,
): Promise<string> {
  if (systemId?.startsWith('/')) return systemId;
  const { body } = await client.get(client.root, signal);
  const systems = linkAt(body, 'Systems') ?? `${client.root}Systems`;
  const paths = await memberPaths(client, systems, signal);
  const wanted = systemId === null ? paths : paths.filter((path) => path.split('/').at(-1) === systemId);
  const [only, ...others] = wanted;
  if (only !== undefined && others.length === 0) return only;
  throw new BmcUnsupported(
    client.address,
    `manages ${paths.length} machines; name one of them in redfish_system_id: ${client.hide(paths.join(', '))}`,
  );
}

export function readSystem(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<Resource> {
  return client.get(systemPath, signal);
}

/** Of a machine, as its firmware tells it; null for what it does not. */
export interface SystemIdentity {
  manufacturer: string | null;
  model: string | null;
  serialNumber: string | null;
  sku: string | null;
  uuid: string | null;
  biosVersion: string | null;
}

export function identityOf({ body }: Resource): SystemIdentity {
  return {
    manufacturer: textAt(body, 'Manufacturer') ?? null,
    model: textAt(body, 'Model') ?? null,
    serialNumber: textAt(body, 'SerialNumber') ?? null,
    sku: textAt(body, 'SKU') ?? null,
    uuid: textAt(body, 'UUID') ?? null,
    biosVersion: textAt(body, 'BiosVersion') ?? null,
  };
}

export type Health = 'OK' | 'Warning' | 'Critical';

export function healthOf(body: unknown): Health | null {
  const health = textAt(body, 'Status', 'Health');
  return health === 'OK' || health === 'Warning' || health === 'Critical' ? health : null;
}

export async function readHealth(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<Health | null> {
  return healthOf((await readSystem(client, systemPath, signal)).body);
}

/** The maker's name as far as quirks go by it. */
export function vendorOf({ body }: Resource): string {
  return (textAt(body, 'Manufacturer') ?? '').toLowerCase();
}

/** The controllers that manage this machine; all of the service's when it does not say. */
export async function managerPaths(
  client: RedfishClient,
  system: Resource,
  signal: AbortSignal,
): Promise<string[]> {
  const own = linksOf(listAt(system.body, 'Links', 'ManagedBy'));
  if (own.length > 0) return own;
  const { body } = await client.get(client.root, signal);
  const all = linkAt(body, 'Managers');
  return all === undefined ? [] : memberPaths(client, all, signal);
}

export type Indicator = 'Lit' | 'Off' | 'Blinking';

/** The light that marks the machine in its rack; null if it has none. */
export function indicatorOf({ body }: Resource): Indicator | null {
  const led = textAt(body, 'IndicatorLED');
  if (led === 'Lit' || led === 'Off' || led === 'Blinking') return led;
  if (body.LocationIndicatorActive === undefined) return null;
  return body.LocationIndicatorActive === true ? 'Blinking' : 'Off';
}

/** Throws BmcUnsupported if there is no such light. Repeatable. */
export async function setIndicator(
  client: RedfishClient,
  systemPath: string,
  indicator: Indicator,
  signal: AbortSignal,
): Promise<void> {
  const system = await readSystem(client, systemPath, signal);
  if (indicatorOf(system) === null)
    throw new BmcUnsupported(client.address, 'has no indicator light for this machine');
  // ComputerSystem 1.12 replaced IndicatorLED by a light that is on or off.
  const hasLed = textAt(system.body, 'IndicatorLED') !== undefined;
  const change = hasLed ? { IndicatorLED: indicator } : { LocationIndicatorActive: indicator !== 'Off' };
  await client.patch(system, change, signal);
}
