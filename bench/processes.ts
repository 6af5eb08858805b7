// What processes used of the machine, as Linux counts it in /proc (man 5 proc).
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { BenchError } from './bench-error.ts';

interface ProcessStat {
  pid: number;
  parent: number;
  /** User and system time, and that of its children that have ended, in clock ticks. */
  ticks: number;
}

export interface MachineTime {
  /** Of all processors together, in seconds. */
  busy: number;
  total: number;
}

export interface Memory {
  /** Summed over the processes; pages that they share count in each. */
  residentMegabytes: number;
  /** Pages that processes share are divided among them. */
  proportionalMegabytes: number;
}

/** Clock ticks per second, the unit of times in /proc. */
export function readTicksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
}

/** A line of /proc/PID/stat. The program's name may itself have blanks and parentheses. */
export function parseProcessStat(line: string): ProcessStat {
  const afterName = line
    .slice(line.lastIndexOf(')') + 2)
    .trim()
    .split(' ')
    .map(Number);
  // Fields 4 (ppid) and 14 to 17 (utime, stime, cutime, cstime); the first behind the name is field 3.
  const field = (number: number): number => afterName[number - 3] ?? Number.NaN;
  return {
    pid: Number.parseInt(line, 10),
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
  };
}

/** The first line of /proc/stat. Guest time is left out: it is part of user time already. */
export function parseMachineStat(text: string, ticksPerSecond: number): MachineTime {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = (
    text.split('\n', 1)[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy: busy / ticksPerSecond, total: (busy + idle + iowait) / ticksPerSecond };
}

/** A sum of kilobytes, by its name, in /proc/PID/smaps_rollup. */
export function parseRollup(text: string, name: 'Rss' | 'Pss'): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) / 1024;
}

/** Processes with all that descend from them, watched together. */
export class ProcessGroup {
  readonly #roots: readonly number[];
  readonly #ticksPerSecond: number;

  constructor(roots: readonly number[], ticksPerSecond: number) {
    this.#roots = roots;
    this.#ticksPerSecond = ticksPerSecond;
  }

  /** What they used so far. Throws BenchError when one of the roots is gone. */
  cpuSeconds(): number {
    return this.#members().reduce((sum, one) => sum + one.ticks, 0) / this.#ticksPerSecond;
  }

  memory(): Memory {
    const memory = { residentMegabytes: 0, proportionalMegabytes: 0 };
    for (const { pid } of this.#members()) {
      const rollup = readIfThere(`/proc/${pid}/smaps_rollup`) ?? '';
      memory.residentMegabytes += parseRollup(rollup, 'Rss');
      memory.proportionalMegabytes += parseRollup(rollup, 'Pss');
    }
    return memory;
  }

  #members(): ProcessStat[] {
    const all = readProcesses();
    const members = new Map<number, ProcessStat>();
    for (const pid of this.#roots) {
      const root = all.find((one) => one.pid === pid);
      if (!root) throw new BenchError(`The process ${pid}, which is to be accounted, is not there any more.`);
      members.set(pid, root);
    }
    // A map goes on with what is added while it is walked: children, then theirs.
    for (const [parent] of members)
      for (const one of all) if (one.parent === parent) members.set(one.pid, one);
    return [...members.values()];
  }
}

export function readMachineTime(ticksPerSecond: number): MachineTime {
  return parseMachineStat(readFileSync('/proc/stat', 'utf8'), ticksPerSecond);
}

function readProcesses(): ProcessStat[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const line = readIfThere(`/proc/${name}/stat`);
    return line === undefined ? [] : [parseProcessStat(line)];
  });
}

/** Processes end while they are read of. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
