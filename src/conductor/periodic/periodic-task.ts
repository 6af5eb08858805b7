import type { Settings } from '#config/settings.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import type { NodePlace } from '#db/ring.ts';
import { ownContext } from '../own-context.ts';
import type { ConductorParts } from '../parts.ts';
import type { ConductorWorkings } from '../workings.ts';

/** Background work of a conductor. */
export interface PeriodicTask {
  readonly name: string;
  /** Seconds between the end of a run and the beginning of the next; 0 turns it off. */
  spacingSeconds(settings: Settings): number;
  /** Runs while the conductor may not act on machines too. */
  readonly evenWithoutLease?: true;
  /** May be repeated. A throw is logged; the next run comes all the same. */
  run(workings: ConductorWorkings, context: RequestContext): Promise<void>;
}

/** Runs a task again and again until the conductor stops. */
export async function runPeriodically(task: PeriodicTask, workings: ConductorWorkings): Promise<void> {
  const { parts, lease } = workings;
  const { stopping: signal } = lease;
  const spacing = task.spacingSeconds(parts.settings) * 1000;
  if (spacing <= 0) return;
  while (!signal.aborted) {
    await parts.clock.sleep(spacing, signal).catch(() => {});
    if (signal.aborted) return;
    if (!lease.holds && !task.evenWithoutLease) continue;
    await task.run(workings, ownContext(parts.random)).catch((error: unknown) => {
      if (!signal.aborted) parts.log.error({ task: task.name, err: error }, 'a periodic task failed');
    });
  }
}

/** So many of the failures of one run are told. */
const mostTold = 10;

/**
 * Does work for each of the nodes that is this conductor's when its turn comes, at most `limit` at a time. One that
 * fails does not stop the others; what failed is thrown at the end.
 */
export async function forEachOwn(
  { ring, hostname }: ConductorParts,
  nodes: readonly NodePlace[],
  limit: number,
  work: (node: NodePlace) => Promise<void>,
): Promise<void> {
  const left = nodes.values();
  const errors: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const node of left) {
      try {
        if ((await ring.findHost(node)) === hostname) await work(node);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (errors.length > 0) throw new AggregateError(errors.slice(0, mostTold), `${errors.length} failed`);
}
