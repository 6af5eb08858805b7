// How far a command is: counted by what does the work, seen by whoever lists the commands.
import type { CommandProgress } from '#protocol/agent-commands.ts';

/** Takes the newest progress of the running command. */
export type ReportProgress = (progress: CommandProgress) => void;

/** Progress of one phase on one device. */
export function progressOf(
  phase: CommandProgress['phase'],
  device: string,
  done: number,
  total: number | null,
): CommandProgress {
  const percent = total === null ? null : total === 0 ? 100 : Math.floor((done / total) * 1000) / 10;
  return { phase, bytes_done: done, bytes_total: total, percent, device };
}
