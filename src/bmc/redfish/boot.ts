// What a machine boots from next, in which mode, and whether only what is signed.
import { BmcProtocolError, BmcUnsupported } from '../errors.ts';
import type { RedfishClient, Resource } from './client.ts';
import { ifThere } from './collections.ts';
import { booleanAt, linkAt, objectAt, textAt, textsAt } from './json.ts';
import { readSystem, vendorOf } from './system.ts';

export type BootTarget =
  | 'None'
  | 'Pxe'
  | 'Floppy'
  | 'Cd'
  | 'Usb'
  | 'Hdd'
  | 'BiosSetup'
  | 'UefiHttp'
  | 'UefiShell'
  | 'UsbCd';
export type BootMode = 'UEFI' | 'Legacy';

export interface BootOverride {
  /** As the service spells it; null if it does not say. */
  target: string | null;
  enabled: 'Disabled' | 'Once' | 'Continuous' | null;
  mode: BootMode | null;
  /** Null if the service does not list them. */
  allowedTargets: string[] | null;
}

export interface BootRequest {
  target: BootTarget;
  persistence: 'Once' | 'Continuous';
  /** Left as it is when absent. */
  mode?: BootMode;
  httpBootUri?: string;
}

interface BootQuirk {
  vendor: RegExp;
  sendsAlways: ('enabled' | 'mode')[];
  /** Virtual media appear as a USB device. */
  cdIsUsb?: boolean;
}

/** What services of these makers need beyond the standard (Ironic redfish/management.py, 2026.2). */
const bootQuirks: readonly BootQuirk[] = [
  { vendor: /^supermicro/, sendsAlways: ['enabled'], cdIsUsb: true },
  {
    vendor: /^(ami|american megatrends international|asrockrack|redfish_compatible)\b/,
    sendsAlways: ['enabled', 'mode'],
  },
];

export async function readBootOverride(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<BootOverride> {
  return bootOverrideOf(await readSystem(client, systemPath, signal));
}

export function bootOverrideOf({ body }: Pick<Resource, 'body'>): BootOverride {
  const enabled = textAt(body, 'Boot', 'BootSourceOverrideEnabled');
  const mode = textAt(body, 'Boot', 'BootSourceOverrideMode');
  return {
    target: textAt(body, 'Boot', 'BootSourceOverrideTarget') ?? null,
    enabled: enabled === 'Disabled' || enabled === 'Once' || enabled === 'Continuous' ? enabled : null,
    mode: mode === 'UEFI' || mode === 'Legacy' ? mode : null,
    allowedTargets: textsAt(body, 'Boot', 'BootSourceOverrideTarget@Redfish.AllowableValues') ?? null,
  };
}

/**
 * Sets what the machine boots from, and returns for how long: a service that refuses `Continuous` gets `Once`, and the
 * caller asks again before each boot. What stands already is not sent, because some services refuse that. A refusal
 * during POST is waited out. Throws BmcUnsupported if the target is not offered. Repeatable.
 */
export async function setBootOverride(
  client: RedfishClient,
  systemPath: string,
  request: BootRequest,
  signal: AbortSignal,
): Promise<'Once' | 'Continuous'> {
  const system = await readSystem(client, systemPath, signal);
  const resource = await bootSettings(client, system, signal);
  const current = bootOverrideOf(resource);
  const quirk = bootQuirks.find(({ vendor }) => vendor.test(vendorOf(system)));
  const target =
    request.target === 'Cd' && quirk?.cdIsUsb && current.allowedTargets?.includes('UsbCd')
      ? 'UsbCd'
      : request.target;
  if (current.allowedTargets !== null && !current.allowedTargets.includes(target)) {
    const offered = client.hide(current.allowedTargets.join(', '));
    throw new BmcUnsupported(client.address, `cannot boot this machine from ${target}, only from ${offered}`);
  }
  const change = (persistence: 'Once' | 'Continuous'): object => {
    const mode = request.mode ?? current.mode;
    const needsMode = mode !== null && (mode !== current.mode || quirk?.sendsAlways.includes('mode'));
    const needsEnabled = persistence !== current.enabled || quirk?.sendsAlways.includes('enabled');
    return {
      Boot: {
        BootSourceOverrideTarget: target,
        ...(needsEnabled ? { BootSourceOverrideEnabled: persistence } : {}),
        ...(needsMode ? { BootSourceOverrideMode: mode } : {}),
        ...(request.httpBootUri === undefined ? {} : { HttpBootUri: request.httpBootUri }),
      },
    };
  };
  try {
    await patchBoot(client, resource, change(request.persistence), signal);
    return request.persistence;
  } catch (error) {
    const isRefused = error instanceof BmcProtocolError && (error.status === 400 || error.status === 501);
    if (request.persistence === 'Once' || !isRefused) throw error;
    await patchBoot(client, resource, change('Once'), signal);
    return 'Once';
  }
}

/** The machine boots again as its firmware is set up. Repeatable. */
export async function clearBootOverride(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<void> {
  const resource = await bootSettings(client, await readSystem(client, systemPath, signal), signal);
  if (bootOverrideOf(resource).enabled === 'Disabled') return;
  await patchBoot(client, resource, { Boot: { BootSourceOverrideEnabled: 'Disabled' } }, signal);
}

/** Asks for a boot mode. The machine may take it on only with its next start. Repeatable. */
export async function setBootMode(
  client: RedfishClient,
  systemPath: string,
  mode: BootMode,
  signal: AbortSignal,
): Promise<void> {
  const resource = await bootSettings(client, await readSystem(client, systemPath, signal), signal);
  if (bootOverrideOf(resource).mode === mode) return;
  await patchBoot(client, resource, { Boot: { BootSourceOverrideMode: mode } }, signal);
}

/** The system, or its settings resource when only that has the boot properties. */
async function bootSettings(client: RedfishClient, system: Resource, signal: AbortSignal): Promise<Resource> {
  if (bootOverrideOf(system).target !== null) return system;
  const path = linkAt(system.body, '@Redfish.Settings', 'SettingsObject');
  const settings = path === undefined ? undefined : await ifThere(client.get(path, signal));
  return settings !== undefined && objectAt(settings.body, 'Boot') !== undefined ? settings : system;
}

async function patchBoot(
  client: RedfishClient,
  resource: Resource,
  change: object,
  signal: AbortSignal,
): Promise<void> {
  const { postBootRetryAttempts, postBootRetryDelaySeconds } = client.options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.patch(resource, change, signal);
      return;
    } catch (error) {
      // HPE: refused while the machine is in POST, and accepted some seconds later.
      const isInPost = error instanceof BmcProtocolError && error.says('UnableToModifyDuringSystemPOST');
      if (!isInPost || attempt >= postBootRetryAttempts) throw error;
      await client.clock.sleep(postBootRetryDelaySeconds * 1000 * 2 ** (attempt - 1), signal);
    }
  }
}

export interface SecureBoot {
  enabled: boolean | null;
  /** Whether the running system was booted under it. */
  isInForce: boolean | null;
}

/** Null if the machine has none, or its maker wants a licence for the answer. */
export async function readSecureBoot(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<SecureBoot | null> {
  const resource = await secureBootResource(client, systemPath, signal);
  if (resource === undefined) return null;
  const current = textAt(resource.body, 'SecureBootCurrentBoot');
  return {
    enabled: booleanAt(resource.body, 'SecureBootEnable') ?? null,
    isInForce: current === undefined ? null : current === 'Enabled',
  };
}

/** Takes effect with the next start. Throws BmcUnsupported where there is none, or the machine boots by BIOS. Repeatable. */
export async function setSecureBoot(
  client: RedfishClient,
  systemPath: string,
  enabled: boolean,
  signal: AbortSignal,
): Promise<void> {
  const resource = await secureBootResource(client, systemPath, signal);
  if (resource === undefined)
    throw new BmcUnsupported(client.address, 'offers no secure boot for this machine');
  if (enabled && (await readBootOverride(client, systemPath, signal)).mode === 'Legacy') {
    throw new BmcUnsupported(
      client.address,
      'cannot turn on secure boot while the machine boots in BIOS mode',
    );
  }
  if (booleanAt(resource.body, 'SecureBootEnable') === enabled) return;
  await client.patch(resource, { SecureBootEnable: enabled }, signal);
}

/** Puts the maker's keys back, or takes all away. */
export async function resetSecureBootKeys(
  client: RedfishClient,
  systemPath: string,
  resetKeysType: 'ResetAllKeysToDefault' | 'DeleteAllKeys',
  signal: AbortSignal,
): Promise<void> {
  const resource = await secureBootResource(client, systemPath, signal);
  const target = textAt(resource?.body, 'Actions', '#SecureBoot.ResetKeys', 'target');
  if (target === undefined)
    throw new BmcUnsupported(client.address, 'cannot reset the secure boot keys of this machine');
  await client.post(target, { ResetKeysType: resetKeysType }, signal);
}

async function secureBootResource(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const path = linkAt((await readSystem(client, systemPath, signal)).body, 'SecureBoot');
  if (path === undefined) return undefined;
  try {
    return await ifThere(client.get(path, signal));
  } catch (error) {
    if (error instanceof BmcProtocolError && error.says('OemLicenseNotPassed')) return undefined;
    throw error;
  }
}
