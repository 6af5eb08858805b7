// `redfish` inspection: what the BMC knows without the machine being started.
import { readInventory, type HardwareInventory } from '#bmc/redfish/inventory.ts';
import { HardwareInspectionFailure } from '#model/faults.ts';
import { runHooks } from '../inspection-hooks.ts';
import type { InspectInterface } from '../interfaces/inspect.ts';
import type { Controllers } from './controllers.ts';
import { redfishInfoOf, redfishProperties } from './driver-info.ts';

/** Smaller ones are sticks and boot modules (ironic drivers/modules/redfish/inspect.py, 2026.2). */
const smallestDisk = 4 * 2 ** 30;

export function redfishInspect(controllers: Controllers): InspectInterface {
  return {
    properties: redfishProperties,

    async validate({ node, settings }) {
      redfishInfoOf(node, settings);
    },

    async inspect(task) {
      const hardware = await controllers.use(task, (system) => readInventory(...system));
      const inventory = inventoryOf(hardware);
      // Some BMCs list no network cards; then there is nothing for these hooks to look at.
      const names = task.settings.redfish.inspection_hooks
        .split(',')
        .filter(
          (name) => inventory.interfaces.length > 0 || !/^\s*(validate-interfaces|ports)\s*$/.test(name),
        );
      const result = runHooks(task, names.join(','), { inventory: { ...inventory }, pluginData: {} });
      const properties = { ...result.changes.properties, ...propertiesOf(hardware) };
      const missing = ['cpu_arch', 'memory_mb'].filter((name) => !Object.hasOwn(properties, name));
      if (missing.length > 0) {
        throw new HardwareInspectionFailure({ error: `the BMC does not tell ${missing.join(' and ')}` });
      }
      return { ...result, changes: { ...result.changes, properties } };
    },
  };
}

function propertiesOf({ memoryMib, processors, drives, system }: HardwareInventory): Record<string, unknown> {
  const sizes = drives.flatMap(({ sizeBytes }) =>
    sizeBytes !== null && sizeBytes >= smallestDisk ? [sizeBytes] : [],
  );
  return {
    ...(memoryMib === null ? {} : { memory_mb: memoryMib }),
    ...(processors?.count ? { cpus: processors.count } : {}),
    // One GiB less, for partition tables and the config drive.
    ...(sizes.length === 0 ? {} : { local_gb: Math.floor(Math.min(...sizes) / 2 ** 30) - 1 }),
    ...(system.manufacturer === null ? {} : { vendor: system.manufacturer }),
  };
}

/** In the form of the agent's, as far as a BMC knows it. */
function inventoryOf({ system, bootMode, processors, memoryMib, drives, interfaces }: HardwareInventory) {
  return {
    interfaces: interfaces
      .filter(({ isEnabled }) => isEnabled)
      .map(({ id, macAddress, speedMbps }) => ({ name: id, mac_address: macAddress, speed_mbps: speedMbps })),
    cpu: {
      count: processors?.count ?? null,
      model_name: processors?.model ?? null,
      frequency: processors?.frequencyMhz ?? null,
      architecture: processors?.architecture ?? null,
    },
    memory: { physical_mb: memoryMib, total: memoryMib === null ? null : memoryMib * 2 ** 20 },
    disks: drives.map((drive) => ({
      name: drive.name,
      size: drive.sizeBytes,
      rotational: drive.mediaType === null ? null : drive.mediaType !== 'SSD',
      model: drive.model,
      serial: drive.serialNumber,
      vendor: drive.manufacturer,
      protocol: drive.protocol,
      firmware_version: drive.revision,
      health: drive.health,
    })),
    system_vendor: {
      product_name: system.model,
      serial_number: system.serialNumber,
      manufacturer: system.manufacturer,
      sku: system.sku,
      system_uuid: system.uuid,
    },
    boot: { current_boot_mode: bootMode === null ? null : bootMode === 'UEFI' ? 'uefi' : 'bios' },
  };
}
