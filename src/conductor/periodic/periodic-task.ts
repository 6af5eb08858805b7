import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Settings } from '#config/settings.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import type { NodePlace } from '#db/ring.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { timed } from '#telemetry/timed.ts';
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
    await measured(task, parts, async () => await task.run(workings, ownContext(parts.random))).catch(
      (error: unknown) => {
        if (!signal.aborted) parts.log.error({ task: task.name, err: error }, 'a periodic task failed');
      },
    );
  }
}

async function measured(
  { name }: PeriodicTask,
  { metrics, clock }: ConductorParts,
  run: () => Promise<void>,
) {
  if (!metrics) return await run();
  const note = (seconds: number, outcome: string): void =>
    metrics.observe('ingot_periodic_task_seconds', { task: name, outcome }, seconds);
  await timed(() => clock.now(), note, run);
}

/** So many nodes are begun with in one turn of the event loop: their answers come spread out as well. */
const nodesPerTurn = 8;

/**
 * This conductor's own among the nodes of many pages, a few in each turn of the event loop: whoever else waits for it
 * comes in between.
 */
export async function* ownNodes(
  { ring, hostname }: ConductorParts,
  pages: AsyncIterable<NodeRecord[]>,
): AsyncGenerator<NodeRecord> {
  for await (const page of pages) {
    const hostOf = await ring.finder();
    for (let at = 0; at < page.length; at += nodesPerTurn) {
      yield* page.slice(at, at + nodesPerTurn).filter((node) => hostOf(node) === hostname);
      await nextTurn();
    }
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
  await forEach(nodes, limit, async (node) => {
    if ((await ring.findHost(node)) === hostname) await work(node);
  });
}

/** As `forEachOwn`, for whatever comes one after the other. */
export async function forEach<T>(
  all: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (each: T) => Promise<void>,
): Promise<void> {
  const left = Symbol.asyncIterator in all ? all[Symbol.asyncIterator]() : all[Symbol.iterator]();
  const errors: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (;;) {
      const next = await left.next();
      if (next.done === true) return;
      await work(next.value).catch((error: unknown) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (errors.length > 0) throw new AggregateError(errors.slice(0, mostTold), `${errors.length} failed`);
}
