// The hardware of a simulated machine: what its MachineFile says, and files for disks.
import { constants } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Inventory, InventoryDisk } from '#protocol/agent-commands.ts';
import type { MachineDisk, MachineFile } from '#protocol/machine-file.ts';
import { openDiskFile } from './hardware.ts';
import type { Disk, Hardware } from './hardware.ts';
import { runProgram } from './run-program.ts';

/** Reads the MachineFile at `path`; `end` is told what the agent asks of its machine. */
export async function openMachineHardware(
  path: string,
  bootInterface: string | null,
  end: (how: 'reboot' | 'powerOff') => void,
): Promise<Hardware> {
  const machine = JSON.parse(await readFile(path, 'utf8')) as MachineFile; // written by our own simulator
  const boot = { ...machine.boot, pxe_interface: bootInterface ?? machine.boot.pxe_interface };
  return machineHardware({ ...machine, boot }, end, join(dirname(path), 'rescue-password'));
}

/** The machine that `machine` describes. `passwordFile`: what stands for its /etc/shadow, if it has one. */
export function machineHardware(
  machine: MachineFile,
  end: (how: 'reboot' | 'powerOff') => void,
  passwordFile?: string,
): Hardware {
  const disks = () => Promise.all(machine.disks.map(machineDisk));
  return {
    listen: machine.listen,
    disks,
    inventory: async () => inventoryOf(machine, await disks()),
    systemLogs: async () => [],
    async sync() {
      for (const disk of await disks()) {
        await using open = await disk.open('read');
        await open.flush();
      }
    },
    async setRescuePassword(hash) {
      if (passwordFile === undefined) throw new Error('This simulated machine keeps no passwords');
      await writeFile(passwordFile, `rescue:${hash}\n`, { mode: 0o600 });
    },
    lockdown: async () => {},
    end: async (how) => end(how),
  };
}

async function machineDisk(disk: MachineDisk): Promise<Disk> {
  const { size } = await stat(disk.file);
  const facts: InventoryDisk = {
    name: disk.name,
    model: disk.model,
    size,
    rotational: disk.rotational,
    wwn: disk.wwn,
    serial: disk.serial,
    vendor: disk.vendor,
    wwn_with_extension: disk.wwn,
    wwn_vendor_extension: null,
    hctl: disk.hctl,
    by_path: disk.by_path,
    logical_sectors: disk.logical_sectors,
    physical_sectors: disk.logical_sectors,
    tran: disk.tran,
  };
  return {
    facts,
    isReadOnly: disk.read_only === true,
    // Never created, never truncated: a disk that has gone is an error, as on a real machine.
    open: (access) =>
      openDiskFile(disk.file, access === 'write' ? constants.O_RDWR : constants.O_RDONLY, facts),
    // A file gives its blocks back in place, so that no moment shows a disk of another size.
    async discard() {
      await runProgram('fallocate', ['--punch-hole', '--offset', '0', '--length', String(size), disk.file]);
      // Without a block of its own the file cannot read as anything but zeros.
      return (await stat(disk.file)).blocks === 0 ? 'zeroed' : 'unknown';
    },
  };
}

function inventoryOf(machine: MachineFile, disks: Disk[]): Inventory {
  return {
    interfaces: machine.interfaces.map(({ name, mac_address, ipv4_address, speed_mbps, pci_address }) => ({
      name,
      mac_address: mac_address.toLowerCase(),
      ipv4_address,
      ipv6_address: null,
      has_carrier: true,
      lldp: null,
      vendor: null,
      product: null,
      client_id: null,
      biosdevname: null,
      speed_mbps,
      pci_address,
      driver: null,
    })),
    cpu: { ...machine.cpu, socket_count: 1 },
    disks: disks.map(({ facts }) => facts),
    memory: machine.memory,
    bmc_address: machine.bmc_address,
    bmc_v6address: null,
    bmc_mac: null,
    system_vendor: { ...machine.system_vendor, firmware: { vendor: '', version: '', build_date: '' } },
    boot: machine.boot,
    hostname: machine.hostname,
  };
}
