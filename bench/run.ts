import { availableParallelism } from 'node:os';
import type { BenchOptions } from './options.ts';
import { calibrate, type Measurement } from './measure.ts';
import { phaseNames, Session } from './phases.ts';
import { type Memory, ProcessGroup, readTicksPerSecond } from './processes.ts';
import type { Result, Run } from './report.ts';
import { runningTarget, startIngot, startReference, type Target } from './targets.ts';

interface Subject {
  target: Target;
  session: Session;
  processes: ProcessGroup;
  memoryEmpty: Memory;
  phases: Measurement[];
}

/**
 * Measures everything that the options ask for. `tell` hears of the progress. When the signal is aborted it ends
 * before the next phase, with the signal's reason. Throws BenchError. Ends what it started, whatever happens.
 */
export async function runBench(
  options: BenchOptions,
  tell: (line: string) => void,
  signal?: AbortSignal,
): Promise<Result> {
  calibrate(); // The first time touches fresh memory.
  const runs: Run[] = [];
  for (let round = 1; round <= options.rounds; round += 1)
    runs.push(...(await runRound(options, round, tell, signal)));
  return { processors: availableParallelism(), runs };
}

/** Every server once: phase by phase, each phase on one after the other, so that they see the same machine. */
async function runRound(
  options: BenchOptions,
  round: number,
  tell: (line: string) => void,
  signal?: AbortSignal,
): Promise<Run[]> {
  await using stack = new AsyncDisposableStack();
  const ticksPerSecond = readTicksPerSecond();
  const subjects: Subject[] = [];
  for (const start of starters(options)) {
    const target = await start();
    stack.defer(async () => await target.stop());
    const processes = new ProcessGroup(target.pids, ticksPerSecond);
    const gauge = { server: processes, ticksPerSecond, quietWaitSeconds: options.quietWaitSeconds };
    const session = new Session(target.url, gauge, options);
    stack.defer(async () => await session.close());
    if (!target.isOurs) stack.defer(async () => await session.removeNodes());
    subjects.push({ target, session, processes, memoryEmpty: processes.memory(), phases: [] });
  }
  for (const phase of phasesToRun(options)) {
    for (const subject of subjects) {
      signal?.throwIfAborted();
      tell(`round ${round}, ${subject.target.name}: ${phase}`);
      const measurement = await subject.session.run(phase);
      if (options.only.includes(phase)) subject.phases.push(measurement);
    }
  }
  return subjects.map(({ target, processes, memoryEmpty, phases }) => ({
    target: target.name,
    round,
    startSeconds: target.startSeconds,
    memoryEmpty,
    memoryAfter: processes.memory(),
    nodes: options.nodes + options.lifecycle,
    phases,
  }));
}

function starters(options: BenchOptions): (() => Promise<Target>)[] {
  const { url, pids, profile } = options;
  const nodeOptions = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const ours =
    url === null ? async () => await startIngot(nodeOptions) : async () => runningTarget(url, pids);
  return options.reference ? [startReference, ours] : [ours];
}

/** A later change of a node's life builds upon the earlier ones, and everything upon the nodes. */
function phasesToRun({ only, lifecycle }: BenchOptions): string[] {
  const life = phaseNames.indexOf('manage');
  const last = Math.max(...only.map((one) => phaseNames.indexOf(one)));
  return phaseNames.filter((phase, index) => {
    if (index < life) return phase === 'create' || only.includes(phase);
    return lifecycle > 0 && index <= last;
  });
}
