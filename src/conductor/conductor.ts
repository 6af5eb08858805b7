import { readConductors, registerConductor, touchConductor } from '#db/conductors.ts';
import { updateNode } from '#db/nodes.ts';
import type { DriverPeriodicTask } from '#drivers/define.ts';
import type { ConductorHandlers, RequestContext } from '#protocol/rpc.ts';
import { createHandlers } from './handlers.ts';
import { Operations } from './operations.ts';
import type { ConductorParts } from './parts.ts';
import { checkTimeouts } from './periodic/check-timeouts.ts';
import { keepAlive, trimOldEvents } from './periodic/keep-alive.ts';
import { forEachAtMost, type PeriodicTask } from './periodic/periodic-task.ts';
import { recoverPower } from './periodic/recover-power.ts';
import { syncPowerState } from './periodic/sync-power-state.ts';
import type { ConductorWorkings } from './workings.ts';
import { readingTask } from './task.ts';
import { WorkerPool } from './worker-pool.ts';

/** A conductor at work. */
export interface Conductor {
  readonly handlers: ConductorHandlers;
  /**
   * Ensures that no new work is taken, that what runs had [conductor]graceful_shutdown_timeout to come to its next
   * committed step, and that the others know this conductor as gone. What did not end goes on at the next start.
   */
  stop(): Promise<void>;
}

/**
 * Registers the conductor, takes up what its earlier life left, and begins its periodic tasks. Nodes that were only
 * reserved by that earlier life, with no operation open, are given back.
 */
export async function startConductor(parts: ConductorParts): Promise<Conductor> {
  const { settings, store } = parts;
  const stopping = new AbortController();
  const pool = new WorkerPool({
    size: settings.conductor.workers_pool_size,
    queueLimit: settings.ingot.worker_queue_limit,
  });
  const operations = new Operations(parts, pool, stopping.signal);
  const workings: ConductorWorkings = { parts, operations, signal: stopping.signal };
  await store.write(async (transaction) => {
    const { hostname } = parts;
    const { conductor_group: conductorGroup } = settings.conductor;
    const interfaces = parts.registry.registrations();
    await registerConductor(transaction, { hostname, conductorGroup, interfaces }, parts.clock);
  });
  parts.ring.invalidate();
  try {
    await takeUpWhatWasLeft(parts, operations);
  } catch (error) {
    stopping.abort(error);
    throw error;
  }
  const tasks = [
    keepAlive,
    trimOldEvents,
    checkTimeouts,
    syncPowerState(),
    recoverPower,
    ...driverTasks(parts),
  ];
  const running = tasks.map(async (task) => await runPeriodically(task, workings));
  return {
    handlers: createHandlers(workings),
    async stop() {
      await comesToRest(parts, pool);
      stopping.abort(new Error('the conductor stops'));
      await Promise.all(running);
      await pool.idle();
      await store.write(async (transaction) => {
        await touchConductor(transaction, parts.hostname, { online: false }, parts.clock);
      });
    },
  };
}

async function comesToRest(parts: ConductorParts, pool: WorkerPool): Promise<void> {
  const limit = new AbortController();
  const timeout = parts.clock
    .sleep(parts.settings.conductor.graceful_shutdown_timeout * 1000, limit.signal)
    .catch(() => {});
  await Promise.race([pool.idle(), timeout]);
  limit.abort();
  await timeout;
}

async function takeUpWhatWasLeft(parts: ConductorParts, operations: Operations): Promise<void> {
  const context: RequestContext = { requestId: `req-${parts.random.uuid()}`, userId: null };
  let resumed = 0;
  for (const hostname of await earlierSelves(parts)) {
    resumed += await operations.resume(hostname, context);
    await releaseLeftReservations(parts, hostname);
  }
  if (resumed > 0) parts.log.info({ resumed }, 'took up the operations that an earlier run left');
}

/** The host names whose work is this conductor's to take up: its own, and those it had before, which are gone now. */
async function earlierSelves(parts: ConductorParts): Promise<string[]> {
  if (!parts.isAlone) return [parts.hostname];
  const known = await readConductors(parts.store.read);
  const others = known.map((one) => one.hostname).filter((hostname) => hostname !== parts.hostname);
  await parts.store.write(async (transaction) => {
    for (const hostname of others)
      await touchConductor(transaction, hostname, { online: false }, parts.clock);
  });
  parts.ring.invalidate();
  return [parts.hostname, ...others];
}

/** A call that held a node when the process died left nothing to go on with. */
async function releaseLeftReservations(parts: ConductorParts, hostname: string): Promise<void> {
  const left = await parts.store.read
    .selectFrom('nodes')
    .select('uuid')
    .where('reservation', '=', hostname)
    .where('uuid', 'not in', (query) =>
      query
        .selectFrom('operations')
        .select('node_uuid')
        .where('finished_at', 'is', null)
        .where('state', '!=', 'waiting'),
    )
    .execute();
  for (const { uuid } of left) {
    await parts.store.write(
      async (transaction) => await updateNode(transaction, uuid, { reservation: null }),
    );
    parts.log.info({ node: uuid }, 'gave back a node that an earlier run had reserved for a call');
  }
}

/** Periodic tasks of the drivers, each for the nodes it concerns among those that are this conductor's. */
function driverTasks(parts: ConductorParts): PeriodicTask[] {
  return parts.registry.hardwareTypes.flatMap((name) => {
    const type = parts.registry.hardwareType(name);
    return (type.periodicTasks ?? []).map((task) => driverTask(name, task));
  });
}

function driverTask(hardwareType: string, task: DriverPeriodicTask): PeriodicTask {
  return {
    name: `${hardwareType}:${task.name}`,
    spacingSeconds: (settings) =>
      typeof task.spacingSeconds === 'number' ? task.spacingSeconds : task.spacingSeconds(settings),
    async run({ parts, signal }) {
      const nodes = await parts.store.read
        .selectFrom('nodes')
        .select(['uuid', 'driver', 'conductor_group'])
        .where('driver', '=', hardwareType)
        .where('reservation', 'is', null)
        .execute();
      await forEachAtMost(nodes, parts.settings.conductor.periodic_max_workers, async (node) => {
        if ((await parts.ring.findHost(node)) !== parts.hostname) return;
        const one = await readingTask(parts, node.uuid, signal);
        if (!task.concerns(one.node)) return;
        await task.run(one).catch((error: unknown) => {
          parts.log.warn(
            { node: node.uuid, task: task.name, err: error },
            'a periodic task of the driver failed',
          );
        });
      });
    },
  };
}

async function runPeriodically(task: PeriodicTask, workings: ConductorWorkings): Promise<void> {
  const { parts, signal } = workings;
  const spacing = task.spacingSeconds(parts.settings) * 1000;
  if (spacing <= 0) return;
  while (!signal.aborted) {
    await parts.clock.sleep(spacing, signal).catch(() => {});
    if (signal.aborted) return;
    const context: RequestContext = { requestId: `req-${parts.random.uuid()}`, userId: null };
    await task.run(workings, context).catch((error: unknown) => {
      if (!signal.aborted) parts.log.error({ task: task.name, err: error }, 'a periodic task failed');
    });
  }
}
