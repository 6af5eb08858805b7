// What a simulated machine tells the agent that runs as a process on it: the hardware it is to believe in.
// Written by sim/ when a process machine boots, read by the agent in place of /sys, lsblk and dmidecode.

/** Exit status of an agent process that asked its machine for something, as a kernel would of its firmware. */
export const machineExit = { reboot: 64, powerOff: 65 } as const;

export interface MachineDisk {
  /** Device name as Linux would show it: /dev/sda. */
  name: string;
  /** The file that holds the disk's bytes; its length is the disk's size. */
  file: string;
  model: string;
  serial: string;
  wwn: string | null;
  vendor: string | null;
  rotational: boolean;
  hctl: string | null;
  by_path: string | null;
  tran: string | null;
  logical_sectors: number;
  /** A disk that takes no writes, as a locked or worn-out one. */
  read_only?: boolean;
}

export interface MachineInterface {
  name: string;
  mac_address: string;
  ipv4_address: string | null;
  speed_mbps: number | null;
  pci_address: string | null;
}

/** One simulated machine. Sizes in bytes unless the name says otherwise. */
export interface MachineFile {
  uuid: string;
  hostname: string;
  /** Where the agent's API listens: an address of this host that the conductor reaches. Port 0 takes a free one. */
  listen: { host: string; port: number };
  interfaces: MachineInterface[];
  disks: MachineDisk[];
  cpu: { model_name: string; count: number; architecture: string; frequency: string; flags: string[] };
  memory: { total: number; physical_mb: number };
  system_vendor: { product_name: string; serial_number: string; manufacturer: string };
  boot: { current_boot_mode: 'uefi' | 'bios'; pxe_interface: string | null };
  bmc_address: string | null;
}
