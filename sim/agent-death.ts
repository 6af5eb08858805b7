// The fault "the agent dies in the middle of a write": watches what the agent has written, and strikes.
import { readFile } from 'node:fs/promises';
import type { Clock } from '#model/clock.ts';
import { allocatedBytes } from './disk-file.ts';
import { takeMachineFault } from './faults.ts';
import type { Machine } from './machine.ts';

const pollMs = 10;

/**
 * Strikes at once, or when the running agent has written the bytes that the machine's fault names. Does nothing
 * without such a fault. Ends with the signal.
 */
export function watchForAgentDeath(
  machine: Machine,
  clock: Clock,
  signal: AbortSignal,
  strike: (reason: string) => void,
): void {
  const fault = [...(machine.faults?.values() ?? [])].find((fault) => fault.kind === 'agent-death');
  if (!fault) return;
  const { after_bytes: afterBytes } = fault;
  if (afterBytes === undefined) {
    takeMachineFault(machine, 'agent-death');
    strike('at once');
    return;
  }
  const watch = async (): Promise<void> => {
    const written = await writtenSince(machine);
    for (;;) {
      await clock.sleep(pollMs, signal);
      const bytes = await written();
      if (bytes < afterBytes) continue;
      takeMachineFault(machine, 'agent-death');
      strike(`after ${bytes} bytes written, of ${afterBytes} asked for`);
      return;
    }
  };
  // Ends by the signal when the agent does; a disk file that is gone has nobody left to strike either.
  watch().catch(() => undefined);
}

/**
 * Counts from now. A disk that is written a second time allocates nothing new, and a file system in memory does not
 * count a process's writes, so the larger of both measures is the truth.
 */
async function writtenSince(machine: Machine): Promise<() => Promise<number>> {
  const before = await processWrites(machine);
  let lowest = Number.POSITIVE_INFINITY;
  return async () => {
    const sizes = await Promise.all((machine.files?.disks ?? []).map((disk) => allocatedBytes(disk.file)));
    const allocated = sizes.reduce((sum, size) => sum + size, 0);
    lowest = Math.min(lowest, allocated);
    return Math.max(allocated - lowest, (await processWrites(machine)) - before);
  };
}

async function processWrites(machine: Machine): Promise<number> {
  const pid = machine.files?.agentPid;
  if (!pid) return 0;
  const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1] ?? 0);
}
