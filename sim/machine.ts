// One simulated machine: plain data, so that a hundred thousand fit in one process. What is rarely used is null until used.
import { createHash } from 'node:crypto';
import type { MachineDisk } from '#protocol/machine-file.ts';
import type { Fault } from './faults.ts';
import { MachineLog } from './machine-log.ts';

export type MachineKind = 'memory' | 'process';
export type PowerState = 'On' | 'Off' | 'PoweringOn' | 'PoweringOff';
/** What runs on the machine. `stuck`: powered, and nothing ever starts. `crashed`: what ran is dead, power is on. */
export type BootState =
  | 'off'
  | 'post'
  | 'agent'
  | 'os'
  | 'no-bootable-device'
  | 'bios-setup'
  | 'crashed'
  | 'stuck';

export interface DiskSpec {
  sizeBytes: number;
  model: string;
  vendor: string | null;
  rotational: boolean;
  tran: string | null;
  logicalSectors: number;
  /** Takes no writes, as a locked or worn-out disk. */
  readOnly: boolean;
  /** Made from the machine's name when null. */
  serial: string | null;
  wwn: string | null;
}

/** What the machine is made of. Machines of one make share one object. */
export interface Hardware {
  manufacturer: string;
  model: string;
  biosVersion: string;
  cpuModel: string;
  cpus: number;
  architecture: 'x86_64' | 'aarch64';
  memoryMiB: number;
  nics: number;
  disks: readonly DiskSpec[];
}

export interface BootOverride {
  enabled: 'Disabled' | 'Once' | 'Continuous';
  target: BootTarget;
  mode: 'UEFI' | 'Legacy';
  httpBootUri: string | null;
}
export const bootTargets = ['None', 'Pxe', 'Cd', 'Hdd', 'Usb', 'BiosSetup', 'UefiHttp'] as const;
export type BootTarget = (typeof bootTargets)[number];

export const mediaDevices = ['Cd', 'Floppy', 'UsbStick'] as const;
export type MediaDevice = (typeof mediaDevices)[number];

export interface InsertedMedia {
  image: string;
  writeProtected: boolean;
  transferProtocol: string;
  /** Whether the server's certificate must be one that the BMC trusts. */
  verifyCertificate: boolean;
}

export type BiosValue = string | number | boolean | null;

export interface SimDisk extends MachineDisk {
  sizeBytes: number;
}

export interface Machine {
  readonly index: number;
  readonly name: string;
  readonly uuid: string;
  readonly kind: MachineKind;
  readonly hardware: Hardware;
  readonly macs: readonly string[];
  /** Where its BMC listens. */
  bmcAddress: string;
  power: PowerState;
  boot: BootState;
  bootOverride: BootOverride;
  media: Partial<Record<MediaDevice, InsertedMedia>> | null;
  /** Only what differs from the defaults of its make. */
  bios: Readonly<Record<string, BiosValue>> | null;
  pendingBios: Readonly<Record<string, BiosValue>> | null;
  secureBoot: boolean;
  indicatorLed: 'Off' | 'Lit' | 'Blinking';
  assetTag: string | null;
  faults: Map<string, Fault> | null;
  log: MachineLog | null;
  /** Reads of its BMC so far. */
  reads: number;
  /** Ends the power transition under way when another one overrules it. */
  transition: AbortController | null;
  /** Files in a data folder; null for a memory machine. */
  files: MachineFiles | null;
}

export interface MachineFiles {
  folder: string;
  disks: readonly SimDisk[];
  agentPid: number | null;
}

export const gibibyte = 1024 ** 3;

export const defaultDisk: DiskSpec = {
  sizeBytes: 8 * gibibyte,
  model: 'SIM-SSD-8',
  vendor: 'INGOT',
  rotational: false,
  tran: 'sata',
  logicalSectors: 512,
  readOnly: false,
  serial: null,
  wwn: null,
};

export const defaultHardware: Hardware = {
  manufacturer: 'Ingot',
  model: 'Simulated Server',
  biosVersion: '1.4.2',
  cpuModel: 'Simulated CPU @ 2.40GHz',
  cpus: 4,
  architecture: 'x86_64',
  memoryMiB: 8192,
  nics: 2,
  disks: [defaultDisk],
};

const noOverride: BootOverride = { enabled: 'Disabled', target: 'None', mode: 'UEFI', httpBootUri: null };

export interface MachineMake {
  index: number;
  seed: string;
  kind: MachineKind;
  name?: string | undefined;
  uuid?: string | undefined;
  macs?: readonly string[] | undefined;
  hardware?: Hardware | undefined;
}

/** The same seed and index make the same machine, so one that was enrolled is found again after a restart. */
export function makeMachine(make: MachineMake): Machine {
  const name = make.name ?? `${make.kind}-${make.index}`;
  const hardware = make.hardware ?? defaultHardware;
  return {
    index: make.index,
    name,
    uuid: make.uuid ?? uuidFrom(`${make.seed}/${make.index}`),
    kind: make.kind,
    hardware,
    macs: make.macs ?? Array.from({ length: hardware.nics }, (_, nic) => macOf(make.seed, make.index, nic)),
    bmcAddress: '',
    power: 'Off',
    boot: 'off',
    bootOverride: noOverride,
    media: null,
    bios: null,
    pendingBios: null,
    secureBoot: false,
    indicatorLed: 'Off',
    assetTag: null,
    faults: null,
    log: null,
    reads: 0,
    transition: null,
    files: null,
  };
}

export function serialOf(machine: Machine): string {
  return `SIM${machine.index.toString().padStart(7, '0')}`;
}

/** The disks as the hardware has them, whether or not files stand behind them. */
export function disksOf(machine: Machine): SimDisk[] {
  return machine.hardware.disks.map((disk, index) => ({
    name: `/dev/sd${String.fromCodePoint(97 + index)}`,
    file: machine.files?.disks[index]?.file ?? '',
    model: disk.model,
    serial: disk.serial ?? `${serialOf(machine)}D${index}`,
    wwn:
      disk.wwn ?? `0x5000${createHash('sha1').update(`${machine.uuid}/${index}`).digest('hex').slice(0, 12)}`,
    vendor: disk.vendor,
    rotational: disk.rotational,
    hctl: `${index}:0:0:0`,
    by_path: `/dev/disk/by-path/pci-0000:00:1f.2-ata-${index + 1}`,
    tran: disk.tran,
    logical_sectors: disk.logicalSectors,
    read_only: disk.readOnly,
    sizeBytes: disk.sizeBytes,
  }));
}

/** The properties an operator would enrol the machine with. */
export function propertiesOf(machine: Machine): {
  cpus: number;
  memory_mb: number;
  local_gb: number;
  cpu_arch: string;
} {
  const { cpus, memoryMiB, architecture, disks } = machine.hardware;
  const smallest = disks.length === 0 ? 0 : Math.min(...disks.map((disk) => disk.sizeBytes));
  // A gigabyte less than the disk, as Ironic's inspection leaves for partitioning.
  const localGb = Math.max(0, Math.floor(smallest / gibibyte) - 1);
  return { cpus, memory_mb: memoryMiB, local_gb: localGb, cpu_arch: architecture };
}

export function logOf(machine: Machine): MachineLog {
  machine.log ??= new MachineLog();
  return machine.log;
}

function uuidFrom(text: string): string {
  const hex = createHash('sha1').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function macOf(seed: string, index: number, nic: number): string {
  const site = createHash('sha1').update(seed).digest()[0] ?? 0;
  // 02: locally administered; then the site, three bytes of machine, one of NIC.
  return [2, site, (index >> 16) & 255, (index >> 8) & 255, index & 255, nic]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(':');
}
