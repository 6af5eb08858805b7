// The hardware of a real machine: /sys, lsblk, dmidecode and what Node knows of the system.
import { constants, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { cpus, hostname, machine, networkInterfaces, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import type { Inventory, InventoryDisk, InventoryInterface } from '#protocol/agent-commands.ts';
import { openDiskFile } from './hardware.ts';
import type { Disk, Hardware } from './hardware.ts';
import { askProgram, runProgram } from './run-program.ts';

/** A block device as `lsblk --json --bytes` shows it; older ones write numbers as texts. */
interface LsblkDevice {
  kname: string;
  model: string | null;
  size: number | string;
  rota: boolean;
  type: string;
  wwn: string | null;
  serial: string | null;
  vendor: string | null;
  hctl: string | null;
  tran: string | null;
  ro: boolean;
  'log-sec': number | string;
  'phy-sec': number | string;
  'maj:min': string;
}
const lsblkColumns = 'kname,model,size,rota,type,wwn,serial,vendor,hctl,tran,ro,log-sec,phy-sec,maj:min';
/** Discarding and wiping a large disk takes long, but not for ever. */
const wholeDiskSeconds = 24 * 3600;

/** As of ramdisks that are built for ironic-python-agent. */
const rescueFolder = '/etc/ipa-rescue-config';

/** The machine this process runs on. */
export function linuxHardware({ bootInterface }: { bootInterface: string | null }): Hardware {
  return {
    listen: { host: '::', port: 9999 },
    disks: linuxDisks,
    inventory: () => linuxInventory(bootInterface),
    pciDevices: linuxPciDevices,
    async systemLogs() {
      const kernel = await askProgram('dmesg', []);
      const journal = await askProgram('journalctl', ['--no-pager', '--lines', '5000']);
      return [
        ...(kernel === null ? [] : [{ name: 'dmesg', content: kernel }]),
        ...(journal === null ? [] : [{ name: 'journal', content: journal }]),
      ];
    },
    sync: async () => void (await runProgram('sync', [], { timeoutSeconds: 600 })),
    async setRescuePassword(hash) {
      // Where the ramdisk's own scripts look for it, which make the user when the agent has gone.
      await mkdir(rescueFolder, { recursive: true, mode: 0o700 });
      await writeFile(`${rescueFolder}/ipa-rescue-password`, hash, { mode: 0o600 });
    },
    async lockdown() {
      for (const name of await listDirectory('/sys/class/net'))
        if (name !== 'lo') await askProgram('ip', ['link', 'set', 'dev', name, 'down']);
    },
    end: async (how) => void (await runProgram(how === 'reboot' ? 'reboot' : 'poweroff', ['--force'])),
  };
}

async function linuxDisks(): Promise<Disk[]> {
  const output = await runProgram('lsblk', ['--json', '--bytes', '--nodeps', '--output', lsblkColumns]);
  const { blockdevices } = JSON.parse(output) as { blockdevices: LsblkDevice[] }; // the columns just asked for
  const paths = await devicesByPath();
  return Promise.all(
    blockdevices
      .filter(({ type, kname, size }) => isDisk(type, kname) && Number(size) > 0)
      .map((device) => linuxDisk(device, paths)),
  );
}

/** Memory disks, floppies and network block devices are nothing to install on or to erase. */
function isDisk(type: string, kname: string): boolean {
  return (
    (type === 'disk' || type.startsWith('raid')) && !/^(z?ram|fd|nbd|loop|sr)\d|boot\d$|rpmb$/.test(kname)
  );
}

async function linuxDisk(device: LsblkDevice, paths: Map<string, string>): Promise<Disk> {
  const path = `/dev/${device.kname}`;
  const udev = (await readText(`/run/udev/data/b${device['maj:min']}`)) ?? '';
  const property = (name: string) => new RegExp(`^E:${name}=(.*)$`, 'm').exec(udev)?.[1] ?? null;
  const facts: InventoryDisk = {
    name: path,
    model: device.model ?? '',
    size: Number(device.size),
    rotational: device.rota,
    wwn: property('ID_WWN') ?? device.wwn,
    serial: property('ID_SERIAL_SHORT') ?? device.serial,
    vendor: device.vendor?.trim() ?? null,
    wwn_with_extension: property('ID_WWN_WITH_EXTENSION'),
    wwn_vendor_extension: property('ID_WWN_VENDOR_EXTENSION'),
    hctl: device.hctl,
    by_path: paths.get(path) ?? null,
    logical_sectors: Number(device['log-sec']),
    physical_sectors: Number(device['phy-sec']),
    tran: device.tran,
  };
  const canDiscard = Number(await readText(`/sys/block/${device.kname}/queue/discard_max_bytes`)) > 0;
  return {
    facts,
    isReadOnly: device.ro,
    open: (access) =>
      // O_EXCL on a block device fails while it is mounted or part of an array in use.
      openDiskFile(
        path,
        access === 'write' ? constants.O_RDWR | constants.O_EXCL : constants.O_RDONLY,
        facts,
        {
          dropCache: async () => void (await runProgram('blockdev', ['--flushbufs', path])),
          rereadPartitions: async () => void (await askProgram('blockdev', ['--rereadpt', path])),
        },
      ),
    ...(canDiscard && {
      async discard() {
        await runProgram('blkdiscard', [path], { timeoutSeconds: wholeDiskSeconds });
        return 'unknown' as const;
      },
    }),
  };
}

async function devicesByPath(): Promise<Map<string, string>> {
  const folder = '/dev/disk/by-path';
  const links = new Map<string, string>();
  for (const name of await listDirectory(folder))
    links.set(await realpath(join(folder, name)), join(folder, name));
  return links;
}

async function linuxInventory(bootInterface: string | null): Promise<Inventory> {
  const [interfaces, disks, memory, vendor, bmc] = await Promise.all([
    linuxInterfaces(),
    linuxDisks(),
    linuxMemory(),
    systemVendor(),
    bmcAddress(),
  ]);
  return {
    interfaces,
    cpu: await linuxCpu(),
    disks: disks.map(({ facts }) => facts),
    memory,
    ...bmc,
    system_vendor: vendor,
    boot: {
      current_boot_mode: existsSync('/sys/firmware/efi') ? 'uefi' : 'bios',
      pxe_interface: bootInterface,
    },
    hostname: hostname(),
  };
}

async function linuxInterfaces(): Promise<InventoryInterface[]> {
  const addresses = networkInterfaces();
  const found: InventoryInterface[] = [];
  for (const name of await listDirectory('/sys/class/net')) {
    const folder = join('/sys/class/net', name);
    const device = await linkTarget(join(folder, 'device'));
    const mac = await readText(join(folder, 'address'));
    // What has no device behind it is a bridge, a tunnel or the loopback: no port of this machine.
    if (device === null || !mac) continue;
    const speed = Number((await readText(join(folder, 'speed'))) ?? NaN);
    const address = (family: 'IPv4' | 'IPv6') =>
      addresses[name]?.find((item) => item.family === family && !item.address.startsWith('fe80'))?.address ??
      null;
    found.push({
      name,
      mac_address: mac.toLowerCase(),
      ipv4_address: address('IPv4'),
      ipv6_address: address('IPv6'),
      has_carrier: (await readText(join(folder, 'carrier'))) === '1',
      lldp: null,
      vendor: await readText(join(folder, 'device', 'vendor')),
      product: await readText(join(folder, 'device', 'device')),
      client_id: null,
      biosdevname: null,
      speed_mbps: speed > 0 ? speed : null,
      pci_address: /^[0-9a-f]{4}:[0-9a-f]{2}:/.test(basename(device)) ? basename(device) : null,
      driver: basename((await linkTarget(join(folder, 'device', 'driver'))) ?? '') || null,
    });
  }
  return found;
}

async function linuxCpu(): Promise<Inventory['cpu']> {
  const list = cpus();
  const info = (await readText('/proc/cpuinfo')) ?? '';
  const sockets = new Set(Array.from(info.matchAll(/^physical id\s*: (\d+)$/gm), ([, id]) => id));
  return {
    model_name: list[0]?.model.trim() ?? '',
    frequency: list[0]?.speed ? String(list[0].speed) : null,
    count: list.length,
    architecture: machine(),
    flags: /^(?:flags|Features)\s*: (.*)$/m.exec(info)?.[1]?.split(' ') ?? [],
    socket_count: sockets.size || null,
  };
}

/** What the modules add up to where the firmware tells, since the kernel keeps some of it for itself. */
async function linuxMemory(): Promise<Inventory['memory']> {
  const modules = (await askProgram('dmidecode', ['--type', '17'])) ?? '';
  let megabytes = 0;
  for (const [, amount, unit] of modules.matchAll(/^\s*Size: (\d+) ([MGT])i?B$/gm))
    megabytes += Number(amount) * { M: 1, G: 1024, T: 1024 ** 2 }[unit as 'M' | 'G' | 'T']; // by the pattern
  return { total: totalmem(), physical_mb: megabytes || Math.round(totalmem() / 1024 ** 2) };
}

async function systemVendor(): Promise<Inventory['system_vendor']> {
  const dmi = async (name: string) => (await readText(`/sys/class/dmi/id/${name}`)) ?? '';
  return {
    product_name: await dmi('product_name'),
    serial_number: await dmi('product_serial'),
    manufacturer: await dmi('sys_vendor'),
    firmware: {
      vendor: await dmi('bios_vendor'),
      version: await dmi('bios_version'),
      build_date: await dmi('bios_date'),
    },
  };
}

async function bmcAddress(): Promise<Pick<Inventory, 'bmc_address' | 'bmc_v6address' | 'bmc_mac'>> {
  const lan = existsSync('/dev/ipmi0') ? ((await askProgram('ipmitool', ['lan', 'print'])) ?? '') : '';
  const value = (name: string) => new RegExp(`^${name}\\s*: (\\S+)$`, 'm').exec(lan)?.[1] ?? null;
  return { bmc_address: value('IP Address'), bmc_v6address: null, bmc_mac: value('MAC Address') };
}

async function linuxPciDevices(): Promise<Record<string, string | number>[]> {
  const folder = '/sys/bus/pci/devices';
  const hex = async (bus: string, name: string) =>
    ((await readText(join(folder, bus, name))) ?? '').replace('0x', '');
  return Promise.all(
    (await listDirectory(folder)).map(async (bus) => ({
      vendor_id: await hex(bus, 'vendor'),
      product_id: await hex(bus, 'device'),
      class: await hex(bus, 'class'),
      revision: await hex(bus, 'revision'),
      bus,
      numa_node_id: Number((await readText(join(folder, bus, 'numa_node'))) ?? -1),
    })),
  );
}

async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return null; // an attribute this kernel or device does not have
  }
}

async function linkTarget(path: string): Promise<string | null> {
  try {
    return await readlink(path);
  } catch {
    return null; // no link: the thing is not there
  }
}

async function listDirectory(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch {
    return []; // nothing of that kind on this machine
  }
}
