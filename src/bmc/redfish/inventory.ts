// What is in a machine, as its controller knows it without the machine being started. Sizes in bytes unless named.
import type { RedfishClient, Resource } from './client.ts';
import { linksOf, members, resources } from './collections.ts';
import { linkAt, listAt, numberAt, textAt } from './json.ts';
import { bootOverrideOf, type BootMode } from './boot.ts';
import { healthOf, identityOf, readSystem, type Health, type SystemIdentity } from './system.ts';

export interface HardwareInventory {
  system: SystemIdentity;
  bootMode: BootMode | null;
  processors: Processors | null;
  memoryMib: number | null;
  drives: Drive[];
  interfaces: EthernetInterface[];
}

export interface Processors {
  /** Threads of all sockets together. */
  count: number | null;
  model: string | null;
  frequencyMhz: number | null;
  /** As Linux calls it: x86_64, aarch64. */
  architecture: string | null;
}

export interface Drive {
  name: string;
  sizeBytes: number | null;
  mediaType: 'HDD' | 'SSD' | 'SMR' | null;
  protocol: string | null;
  manufacturer: string | null;
  model: string | null;
  serialNumber: string | null;
  revision: string | null;
  health: Health | null;
  state: string | null;
}

export interface EthernetInterface {
  id: string;
  /** In lower case. */
  macAddress: string;
  speedMbps: number | null;
  isEnabled: boolean;
}

const architectures: ReadonlyMap<string, string> = new Map([
  ['x86-64', 'x86_64'],
  ['x86', 'i686'],
  ['ARM-A64', 'aarch64'],
  ['ARM-A32', 'arm'],
  ['IA-64', 'ia64'],
  ['MIPS32', 'mips'],
  ['MIPS64', 'mips64'],
]);

/** Reads everything; what the service does not have is empty or null, what fails to be read is an error. */
export async function readInventory(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<HardwareInventory> {
  const system = await readSystem(client, systemPath, signal);
  return {
    system: identityOf(system),
    bootMode: bootOverrideOf(system).mode,
    processors: await readProcessors(client, system, signal),
    memoryMib: await readMemory(client, system, signal),
    drives: await readDrives(client, system, signal),
    interfaces: await readInterfaces(client, system, signal),
  };
}

async function readProcessors(
  client: RedfishClient,
  system: Resource,
  signal: AbortSignal,
): Promise<Processors | null> {
  const all = await members(client, linkAt(system.body, 'Processors'), signal);
  // Accelerators stand in the same collection.
  const processors = all.filter(({ body }) => (textAt(body, 'ProcessorType') ?? 'CPU') === 'CPU');
  const summary = 'ProcessorSummary';
  const first = processors[0]?.body;
  const count = sum(processors.map(({ body }) => numberAt(body, 'TotalThreads')));
  const result = {
    count: count ?? numberAt(system.body, summary, 'LogicalProcessorCount') ?? null,
    model: textAt(first, 'Model') ?? textAt(system.body, summary, 'Model') ?? null,
    frequencyMhz: numberAt(first, 'MaxSpeedMHz') ?? null,
    architecture: architectures.get(textAt(first, 'InstructionSet') ?? '') ?? null,
  };
  return Object.values(result).every((value) => value === null) ? null : result;
}

/** The summary; where that is empty or zero, as some services have it, the sum of the modules. */
async function readMemory(
  client: RedfishClient,
  system: Resource,
  signal: AbortSignal,
): Promise<number | null> {
  const summary = numberAt(system.body, 'MemorySummary', 'TotalSystemMemoryGiB');
  if (summary !== undefined && summary > 0) return Math.round(summary * 1024);
  const modules = await members(client, linkAt(system.body, 'Memory'), signal);
  return sum(modules.map(({ body }) => numberAt(body, 'CapacityMiB'))) ?? null;
}

async function readDrives(client: RedfishClient, system: Resource, signal: AbortSignal): Promise<Drive[]> {
  const storages = await members(client, linkAt(system.body, 'Storage'), signal);
  const paths = storages.flatMap(({ body }) => linksOf(listAt(body, 'Drives')));
  const drives = await resources(client, [...new Set(paths)], signal);
  if (drives.length > 0) return drives.map(({ body }) => describeDrive(body));
  const simple = await members(client, linkAt(system.body, 'SimpleStorage'), signal);
  return simple.flatMap(({ body }) => listAt(body, 'Devices')).map(describeDrive);
}

function describeDrive(body: unknown): Drive {
  const mediaType = textAt(body, 'MediaType');
  return {
    name: textAt(body, 'Name') ?? textAt(body, 'Id') ?? '',
    sizeBytes: numberAt(body, 'CapacityBytes') ?? null,
    mediaType: mediaType === 'HDD' || mediaType === 'SSD' || mediaType === 'SMR' ? mediaType : null,
    protocol: textAt(body, 'Protocol') ?? null,
    manufacturer: textAt(body, 'Manufacturer') ?? null,
    model: textAt(body, 'Model') ?? null,
    serialNumber: textAt(body, 'SerialNumber') ?? null,
    revision: textAt(body, 'Revision') ?? null,
    health: healthOf(body),
    state: textAt(body, 'Status', 'State') ?? null,
  };
}

/** The network cards with an address; a machine whose service lists none has none, as Cisco's may. */
export async function readInterfaces(
  client: RedfishClient,
  system: Resource,
  signal: AbortSignal,
): Promise<EthernetInterface[]> {
  const all = await members(client, linkAt(system.body, 'EthernetInterfaces'), signal);
  return all.flatMap(({ body }) => {
    const address = textAt(body, 'MACAddress') ?? textAt(body, 'PermanentMACAddress');
    const macAddress = address?.toLowerCase().replaceAll('-', ':') ?? '';
    if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(macAddress)) return [];
    return [
      {
        id: textAt(body, 'Id') ?? macAddress,
        macAddress,
        speedMbps: numberAt(body, 'SpeedMbps') ?? null,
        isEnabled: textAt(body, 'Status', 'State') === 'Enabled',
      },
    ];
  });
}

/** Undefined if there is not one number among them. */
function sum(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0);
}
