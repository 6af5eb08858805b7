// Boot device, boot mode, secure boot, sensors through Redfish.
import {
  readBootOverride,
  readSecureBoot,
  setBootMode,
  setBootOverride,
  setSecureBoot,
} from '#bmc/redfish/boot.ts';
import { readInterfaces } from '#bmc/redfish/inventory.ts';
import { injectNmi } from '#bmc/redfish/power.ts';
import { readSensors } from '#bmc/redfish/sensors.ts';
import { identityOf, readSystem } from '#bmc/redfish/system.ts';
import { InvalidParameterValue, UnsupportedHardwareFeature } from '#model/faults.ts';
import type { ManagementInterface } from '../interfaces/management.ts';
import { bootDeviceOf, bootTargets, isBootDevice, type RedfishBootDevice } from './boot-targets.ts';
import type { Controllers } from './controllers.ts';
import { redfishInfoOf, redfishProperties } from './driver-info.ts';

const bootModes = { uefi: 'UEFI', bios: 'Legacy' } as const;

export function redfishManagement(controllers: Controllers): ManagementInterface {
  return {
    properties: redfishProperties,

    async validate({ node, settings }) {
      redfishInfoOf(node, settings);
    },

    async supportedBootDevices(task) {
      const { allowedTargets } = await controllers.use(task, (system) => readBootOverride(...system));
      const devices = Object.keys(bootTargets).filter(isBootDevice);
      if (allowedTargets === null) return devices;
      const allowed = new Set(allowedTargets.map(bootDeviceOf));
      return devices.filter((device) => allowed.has(device));
    },

    async setBootDevice(task, device, { persistent }) {
      if (!isBootDevice(device)) {
        throw new InvalidParameterValue(
          `A machine with Redfish cannot boot from ${device}; it knows ${Object.keys(bootTargets).join(', ')}.`,
        );
      }
      const target = bootTargets[device];
      const persistence = persistent ? 'Continuous' : 'Once';
      const reached = await controllers.use(task, ([client, path, signal]) =>
        setBootOverride(client, path, { target, persistence }, signal),
      );
      // Refused for longer than one boot: it is set again before each power-on.
      const stored: RedfishBootDevice | null = persistent && reached === 'Once' ? device : null;
      if ((task.node.driver_internal_info['redfish_boot_device'] ?? null) !== stored) {
        await task.save({ driver_internal_info: { redfish_boot_device: stored } });
      }
    },

    async getBootDevice(task) {
      const { target, enabled } = await controllers.use(task, (system) => readBootOverride(...system));
      const stored = task.node.driver_internal_info['redfish_boot_device'];
      if (enabled === 'Disabled' && isBootDevice(stored)) return { boot_device: stored, persistent: true };
      const device = enabled === 'Disabled' ? null : bootDeviceOf(target);
      return {
        boot_device: device,
        persistent: device === null ? null : enabled === 'Continuous' || device === stored,
      };
    },

    async setBootMode(task, mode) {
      await controllers.use(task, ([client, path, signal]) =>
        setBootMode(client, path, bootModes[mode], signal),
      );
    },

    async getBootMode(task) {
      const { mode } = await controllers.use(task, (system) => readBootOverride(...system));
      if (mode === null)
        throw new UnsupportedHardwareFeature({ node: task.node.uuid, feature: 'telling its boot mode' });
      return mode === 'UEFI' ? 'uefi' : 'bios';
    },

    async getSecureBoot(task) {
      const secureBoot = await controllers.use(task, (system) => readSecureBoot(...system));
      const enabled = secureBoot?.enabled ?? secureBoot?.isInForce ?? null;
      if (enabled === null)
        throw new UnsupportedHardwareFeature({ node: task.node.uuid, feature: 'secure boot' });
      return enabled;
    },

    async setSecureBoot(task, enabled) {
      await controllers.use(task, ([client, path, signal]) => setSecureBoot(client, path, enabled, signal));
    },

    async injectNmi(task) {
      await controllers.use(task, (system) => injectNmi(...system));
    },

    async getSensors(task) {
      const readings = await controllers.use(task, (system) => readSensors(...system));
      const groups: Record<string, Record<string, unknown>> = {};
      for (const { group, name, chassis, ...reading } of readings) {
        (groups[group] ??= {})[`${name}@${chassis}`] = {
          sensor_reading: reading.reading,
          sensor_reading_units: reading.units,
          min_reading_range: reading.minimum,
          max_reading_range: reading.maximum,
          physical_context: reading.physicalContext,
          serial_number: reading.serialNumber,
          health: reading.health,
          state: reading.state,
        };
      }
      return groups;
    },

    async detectVendor(task) {
      return identityOf(await controllers.use(task, (system) => readSystem(...system))).manufacturer;
    },

    async getMacAddresses(task) {
      const interfaces = await controllers.use(task, async ([client, path, signal]) =>
        readInterfaces(client, await readSystem(client, path, signal), signal),
      );
      return interfaces.filter(({ isEnabled }) => isEnabled).map(({ macAddress }) => macAddress);
    },
  };
}
