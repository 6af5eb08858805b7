// Which disk is written to, with what is wrong told as agents tell it.
import type { AgentNode, InventoryDisk } from '#protocol/agent-commands.ts';
import * as matching from '#protocol/root-device.ts';
import { DeviceNotFound } from './faults.ts';

/** @throws DeviceNotFound */
export function chooseRootDisk(disks: InventoryDisk[], node: AgentNode | null): InventoryDisk {
  return told(() => matching.chooseRootDisk(disks, node));
}

/** @throws DeviceNotFound */
export function disksNotSkipped(disks: InventoryDisk[], node: AgentNode | null): InventoryDisk[] {
  return told(() => matching.disksNotSkipped(disks, node));
}

function told<T>(look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw error instanceof matching.NoSuchDisk ? new DeviceNotFound(error.message) : error;
  }
}
