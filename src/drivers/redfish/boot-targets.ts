// Boot devices as the API names them, and as Redfish does (spec redfish-usage.json, feature boot_device).
import type { BootTarget } from '#bmc/redfish/boot.ts';
import type { BootDevice } from '#model/power-states.ts';

export const bootTargets = {
  pxe: 'Pxe',
  disk: 'Hdd',
  cdrom: 'Cd',
  bios: 'BiosSetup',
  uefihttp: 'UefiHttp',
} as const satisfies Partial<Record<BootDevice, BootTarget>>;

export type RedfishBootDevice = keyof typeof bootTargets;

export function isBootDevice(device: unknown): device is RedfishBootDevice {
  return typeof device === 'string' && Object.hasOwn(bootTargets, device);
}

/** Null for what has no name in the API. */
export function bootDeviceOf(target: string | null): RedfishBootDevice | null {
  if (target === 'UsbCd') return 'cdrom';
  const found = Object.entries(bootTargets).find(([, known]) => known === target);
  return found && isBootDevice(found[0]) ? found[0] : null;
}
