import { touchConductor } from '#db/conductors.ts';
import type { ConductorHandlers } from '#protocol/rpc.ts';
import { createHandlers } from './handlers.ts';
import { Lease } from './lease.ts';
import { Operations } from './operations.ts';
import type { ConductorParts } from './parts.ts';
import { checkTimeouts } from './periodic/check-timeouts.ts';
import { keepAlive } from './periodic/keep-alive.ts';
import { driverTasks } from './periodic/driver-tasks.ts';
import { runPeriodically } from './periodic/periodic-task.ts';
import { recoverPower } from './periodic/recover-power.ts';
import { syncPowerState } from './periodic/sync-power-state.ts';
import { trimOldEvents } from './periodic/trim-events.ts';
import { takeItsPlace } from './take-its-place.ts';
import type { ConductorWorkings } from './workings.ts';
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
  const { settings, store, hostname, clock } = parts;
  const stopping = new AbortController();
  const pool = new WorkerPool({
    size: settings.conductor.workers_pool_size,
    queueLimit: settings.ingot.worker_queue_limit,
  });
  // Where there is no rival nobody takes over: a laptop that slept goes on.
  const timeoutSeconds = parts.isAlone ? Infinity : settings.conductor.heartbeat_timeout;
  const lease = new Lease({ hostname, clock, timeoutSeconds, stopping: stopping.signal });
  const operations = new Operations(parts, pool, lease);
  const workings: ConductorWorkings = {
    parts,
    operations,
    lease,
    get signal() {
      return lease.signal;
    },
  };
  try {
    await takeItsPlace(workings);
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
