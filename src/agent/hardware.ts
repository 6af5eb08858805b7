// The machine under an agent: one contract, kept by a real Linux machine and by a simulated one.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Inventory, InventoryDisk } from '#protocol/agent-commands.ts';

/** What the agent knows about the machine and may ask of it. */
export interface Hardware {
  /** Where the agent's API listens unless kernel parameters say otherwise. Port 0 takes a free one. */
  readonly listen: { host: string; port: number };
  /** Everything inspection tells about the machine, as it is now. */
  inventory(): Promise<Inventory>;
  /** The disks as they are now: what hints choose from and erasing goes through. */
  disks(): Promise<Disk[]>;
  /** PCI devices for the inspection collector of that name; absent where they cannot be seen. */
  pciDevices?(): Promise<Record<string, string | number>[]>;
  /** Logs of the system beside the agent's own. */
  systemLogs(): Promise<{ name: string; content: string }[]>;
  /** Ensures that what was written anywhere has reached its disk. May be repeated. */
  sync(): Promise<void>;
  /** Ensures that the user `rescue` gets in with the password, given as /etc/shadow keeps it. May be repeated. */
  setRescuePassword(hash: string): Promise<void>;
  /** Cuts the machine off its networks. */
  lockdown(): Promise<void>;
  /** Asks the machine to start again, or to switch off; the agent ends right after. */
  end(how: 'reboot' | 'powerOff'): Promise<void>;
}

export interface Disk {
  readonly facts: InventoryDisk;
  readonly isReadOnly: boolean;
  /** Opens the disk alone: nothing else on this machine may be using it when opened to write. */
  open(access: 'read' | 'write'): Promise<OpenDisk>;
  /**
   * Gives the whole content back to the device. `zeroed` when that is known to read as zeros from now on, which
   * most devices do not promise. Absent where it cannot be done. May be repeated.
   */
  discard?(): Promise<'zeroed' | 'unknown'>;
}

/** The bytes of a disk. All offsets and lengths in bytes. */
export interface OpenDisk extends AsyncDisposable {
  readonly name: string;
  readonly size: number;
  readonly sectorSize: number;
  /** Fills `into` from `offset` on; what lies behind the end of the disk is an error. */
  read(offset: number, into: Uint8Array): Promise<void>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Ensures that what was written is on the disk, and that the next read comes from there where that can be had. */
  flush(): Promise<void>;
  /** Tells the system that the partition table has changed. */
  rereadPartitions(): Promise<void>;
}

/** What differs between a file and a block device once either is open. */
export interface OpenDiskHooks {
  dropCache?(): Promise<void>;
  rereadPartitions?(): Promise<void>;
}

/** Opens the file or block device at `path` as the bytes of the disk `facts` describes. */
export async function openDiskFile(
  path: string,
  flags: string | number,
  { name, size, logical_sectors }: InventoryDisk,
  hooks: OpenDiskHooks = {},
): Promise<OpenDisk> {
  const handle = await open(path, flags);
  return {
    name,
    size,
    sectorSize: logical_sectors,
    read: (offset, into) => readFully(handle, name, offset, into),
    write: (offset, bytes) => writeFully(handle, offset, bytes),
    async flush() {
      await handle.datasync();
      await hooks.dropCache?.();
    },
    rereadPartitions: async () => hooks.rereadPartitions?.(),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function readFully(handle: FileHandle, name: string, offset: number, into: Uint8Array) {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) throw new Error(`${name} ends at byte ${offset + done}`);
    done += bytesRead;
  }
}

async function writeFully(handle: FileHandle, offset: number, bytes: Uint8Array) {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}
