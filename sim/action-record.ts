// Writes an action into a machine's log together with what it might have interrupted.
import { statSync } from 'node:fs';
import type { ActionResult } from './machine-log.ts';
import { logOf, type Machine } from './machine.ts';

export function recordAction(
  machine: Machine,
  now: number,
  action: string,
  detail: Record<string, unknown>,
  result: ActionResult,
): void {
  logOf(machine).add(now, {
    kind: 'action',
    action,
    detail,
    result,
    power_state: machine.power,
    boot_state: machine.boot,
    agent_pid: machine.files?.agentPid ?? null,
    milliseconds_since_disk_write: sinceDiskWrite(machine, now),
  });
}

function sinceDiskWrite(machine: Machine, now: number): number | null {
  const disks = machine.files?.disks ?? [];
  if (disks.length === 0) return null;
  const last = Math.max(...disks.map((disk) => statSync(disk.file).mtimeMs));
  return Math.max(0, Math.round(now - last));
}
