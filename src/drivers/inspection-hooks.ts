// What is made of an inventory: a row per hook, run in the order the settings name them
// (ironic drivers/modules/inspector/hooks, 2026.2; spec driver-interfaces.json#/inspection_hooks).
import { HardwareInspectionFailure, InvalidParameterValue } from '#model/faults.ts';
import type { Settings } from '#config/settings.ts';
import type { InspectionResult } from './interfaces/inspect.ts';
import type { Task } from './task.ts';

/** An inspection in the making. What came from the machine is not to be trusted further than it is looked at. */
export interface Findings {
  readonly inventory: Record<string, unknown>;
  readonly pluginData: Record<string, unknown>;
  /** Properties to be set on the node. */
  readonly properties: Record<string, unknown>;
  readonly capabilities: Record<string, string>;
  readonly ports: InspectionResult['ports'];
}

type Hook = (findings: Findings, settings: Settings) => void;

const hooks: Readonly<Record<string, Hook>> = {
  'ramdisk-error': checkRamdiskError,
  'validate-interfaces': chooseInterfaces,
  ports: makePorts,
  architecture: ({ inventory, properties }) => {
    const architecture = wordAt(inventory, 'cpu', 'architecture');
    if (architecture === null)
      throw failure('the inventory does not say of what architecture the processor is');
    properties['cpu_arch'] = architecture;
  },
  cpus: ({ inventory, properties }) => {
    const count = numberAt(inventory, 'cpu', 'count');
    if (count !== null) properties['cpus'] = count;
  },
  memory: ({ inventory, properties }) => {
    const megabytes = numberAt(inventory, 'memory', 'physical_mb');
    if (megabytes !== null) properties['memory_mb'] = megabytes;
  },
  'root-device': ({ pluginData, properties }) => {
    const bytes = numberAt(pluginData, 'root_disk', 'size');
    // One GiB less, for partition tables and the config drive.
    if (bytes !== null) properties['local_gb'] = Math.max(Math.floor(bytes / 2 ** 30) - 1, 0);
  },
  'boot-mode': ({ inventory, capabilities }) => {
    const mode = wordAt(inventory, 'boot', 'current_boot_mode');
    if (mode !== null) capabilities['boot_mode'] = mode;
  },
};

/** Inventories are as long as hardware is; beyond that somebody made them up. */
const maxInterfaces = 512;

/**
 * The result of an inspection. Throws HardwareInspectionFailure when the machine says that it failed or lacks what a
 * hook needs, InvalidParameterValue for a hook that does not exist. Changes nothing; may be repeated.
 */
export function runHooks(
  task: Task,
  names: string,
  sent: { inventory: Record<string, unknown>; pluginData: Record<string, unknown> },
): InspectionResult {
  const findings: Findings = {
    inventory: sent.inventory,
    pluginData: { ...sent.pluginData },
    properties: {},
    capabilities: {},
    ports: [],
  };
  for (const name of names.split(',').map((each) => each.trim())) {
    if (name === '') continue;
    const hook = Object.hasOwn(hooks, name) ? hooks[name] : undefined;
    if (!hook) throw new InvalidParameterValue(`There is no inspection hook ${name}; known are ${known()}.`);
    hook(findings, task.settings);
  }
  const properties = { ...task.node.properties, ...findings.properties };
  if (Object.keys(findings.capabilities).length > 0) {
    properties['capabilities'] = withCapabilities(properties['capabilities'], findings.capabilities);
  }
  return {
    changes: { properties },
    ports: findings.ports,
    inventory: findings.inventory,
    pluginData: findings.pluginData,
  };
}

function known(): string {
  return Object.keys(hooks).join(', ');
}

function checkRamdiskError({ pluginData }: Findings): void {
  const { error } = pluginData;
  if (error === undefined || error === null || error === '') return;
  throw failure(
    `the agent reported: ${(typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 2000)}`,
  );
}

interface ValidInterface {
  name: string;
  mac_address: string;
  ipv4_address: string | null;
  ipv6_address: string | null;
  pxe_enabled: boolean;
}

function chooseInterfaces({ inventory, pluginData }: Findings, { inspector }: Settings): void {
  const bootMac = macOf(textAt(pluginData, 'boot_interface') ?? textAt(inventory, 'boot', 'pxe_interface'));
  const all = interfacesIn(inventory, bootMac);
  const withAddress = all.filter((each) => each.ipv4_address ?? each.ipv6_address);
  const valid = ((): ValidInterface[] => {
    switch (inspector.add_ports) {
      case 'all':
      case 'disabled':
        return all;
      case 'active':
        return withAddress;
      case 'pxe':
        if (bootMac !== null) return all.filter((each) => each.pxe_enabled);
        // Booted from a medium, so that no card says which one; without addresses either, any may be meant.
        return withAddress.length > 0 ? withAddress : all;
    }
  })();
  if (valid.length === 0) throw failure('the inventory has no network interface that could be used');
  pluginData['all_interfaces'] = byName(all);
  pluginData['valid_interfaces'] = byName(valid);
  pluginData['macs'] = valid.map((each) => each.mac_address);
}

function makePorts({ pluginData, ports }: Findings, { inspector }: Settings): void {
  if (inspector.add_ports === 'disabled') return;
  // Made by chooseInterfaces; absent when that hook was left out, and then there are no ports to make.
  const valid = Object.values((pluginData['valid_interfaces'] ?? {}) as Record<string, ValidInterface>);
  // Where no card was booted from, each may be booted from.
  const someBooted = valid.some((each) => each.pxe_enabled);
  for (const { mac_address, pxe_enabled } of valid) {
    ports.push({ address: mac_address, pxe_enabled: someBooted ? pxe_enabled : true });
  }
}

function interfacesIn(inventory: Record<string, unknown>, bootMac: string | null): ValidInterface[] {
  const listed = inventory['interfaces'];
  if (!Array.isArray(listed)) throw failure('the inventory has no list of network interfaces');
  const seen = new Set<string>();
  return listed.slice(0, maxInterfaces).flatMap((each: unknown) => {
    const [name, mac] = [textAt(each, 'name'), macOf(textAt(each, 'mac_address'))];
    if (name === null || name === 'lo' || mac === null || seen.has(mac)) return [];
    seen.add(mac);
    return [
      {
        name,
        mac_address: mac,
        ipv4_address: textAt(each, 'ipv4_address'),
        ipv6_address: textAt(each, 'ipv6_address'),
        pxe_enabled: mac === bootMac,
      },
    ];
  });
}

function byName(interfaces: readonly ValidInterface[]): Record<string, ValidInterface> {
  return Object.fromEntries(interfaces.map((each) => [each.name, each]));
}

/** In lower case with colons; also from pxelinux's form, which begins with the hardware type. Null if it is none. */
function macOf(text: string | null): string | null {
  const octets = text?.toLowerCase().split(/[-:]/) ?? [];
  const mac = (octets.length === 7 ? octets.slice(1) : octets).join(':');
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : null;
}

/** `a:b,c:d`, as Ironic keeps capabilities. */
function withCapabilities(current: unknown, added: Record<string, string>): string {
  const pairs = typeof current === 'string' ? current.split(',').filter((pair) => pair.includes(':')) : [];
  const before = pairs.map((pair): [string, string] => {
    const colon = pair.indexOf(':');
    return [pair.slice(0, colon), pair.slice(colon + 1)];
  });
  const merged = { ...Object.fromEntries(before), ...added };
  return Object.entries(merged)
    .map(([name, value]) => `${name}:${value}`)
    .join(',');
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, name) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? Reflect.get(at, name) : null,
    value,
  );
}

function textAt(value: unknown, ...path: string[]): string | null {
  const found = valueAt(value, path);
  return typeof found === 'string' && found !== '' ? found : null;
}

/** A text that may go into the node's properties: it can be neither a list of capabilities nor a mebibyte. */
function wordAt(value: unknown, ...path: string[]): string | null {
  const text = textAt(value, ...path);
  return text !== null && /^[\w.-]{1,64}$/.test(text) ? text : null;
}

function numberAt(value: unknown, ...path: string[]): number | null {
  const found = valueAt(value, path);
  return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? Math.floor(found) : null;
}

function failure(reason: string): HardwareInspectionFailure {
  return new HardwareInspectionFailure({ error: reason });
}
