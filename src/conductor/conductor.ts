import { exchangeOverHttp } from '#drivers/agent/agent-http.ts';
import { tracedExchange } from '#drivers/trace-requests.ts';
import type { ConductorHandlers, ServedConductor } from '#protocol/rpc.ts';
import { createHandlers } from './handlers.ts';
import { Lease } from './membership/lease.ts';
import { Membership } from './membership/membership.ts';
import { Operations } from './operations/operations.ts';
import { NodesInHand } from './lock/nodes-in-hand.ts';
import type { ConductorParts, GivenParts } from './parts.ts';
import { periodicTasks } from './periodic/all.ts';
import { runPeriodically } from './periodic/periodic-task.ts';
import { takeOverOrphans } from './periodic/take-over-orphans.ts';
import { takeItsPlace } from './membership/take-its-place.ts';
import { tracedHandlers } from './traced-handlers.ts';
import type { ConductorWorkings } from './workings.ts';
import { WorkerPool } from './operations/worker-pool.ts';

/** A conductor at work. */
export interface Conductor {
  readonly handlers: ConductorHandlers;
  /** Resolves, if ever, when another process took this conductor's name: it does nothing any more. */
  readonly lost: Promise<Error>;
  /**
   * Ensures that the others know this conductor as gone. What runs has [conductor]graceful_shutdown_timeout to come to
   * its next committed step, and is handed over there; what waits is handed over at once. Where there are no others
   * it goes on at the next start.
   */
  stop(): Promise<void>;
}

/**
 * Registers the conductor, takes up what its earlier life and others left, and begins its periodic tasks. Throws
 * ConductorNameTaken when a conductor of that name is at work. `serve` is called as soon as calls may come, which is
 * before it took up anything; what it gives ends when the others know this conductor as leaving.
 */
export async function startConductor(
  given: GivenParts,
  serve: (handlers: ConductorHandlers) => Promise<ServedConductor> = async () => ({ stop: async () => {} }),
): Promise<Conductor> {
  const parts = { ...withTracedAgents(given), inHand: new NodesInHand() };
  const stopping = new AbortController();
  const whenStopping = (work: () => void): void =>
    stopping.signal.addEventListener('abort', work, { once: true });
  const workings = makeWorkings(parts, stopping.signal);
  const { membership } = workings;
  whenStopping(parts.ring.follow(parts.signals));
  const untraced = createHandlers(workings);
  const handlers = parts.tracer ? tracedHandlers(untraced, parts.tracer) : untraced;
  let served: ServedConductor | undefined;
  try {
    await membership.claimName(stopping.signal);
    served = await serve(handlers);
    await takeItsPlace(workings);
  } catch (error) {
    stopping.abort(error);
    await served?.stop();
    throw error;
  }
  const orphans = takeOverOrphans();
  whenStopping(parts.signals.on('conductors.changed', () => orphans.soon(workings)));
  void membership.lost.then((error) => stopping.abort(error));
  const running = periodicTasks(parts, orphans).map(async (task) => await runPeriodically(task, workings));
  return {
    handlers,
    lost: membership.lost,
    async stop() {
      await leaveInOrder(workings, served);
      stopping.abort(new Error('the conductor stops'));
      await Promise.all(running);
      await workings.pool.idle();
      await tryToTell(parts, membership.sayGoodbye());
    },
  };
}

function makeWorkings(parts: ConductorParts, stopping: AbortSignal): ConductorWorkings {
  const { settings, hostname, clock, metrics } = parts;
  const pool = new WorkerPool({
    size: settings.conductor.workers_pool_size,
    queueLimit: settings.ingot.worker_queue_limit,
  });
  metrics?.gauge('ingot_worker_load', () => [{ labels: {}, value: pool.load }]);
  metrics?.gauge('ingot_worker_size', () => [{ labels: {}, value: pool.size }]);
  // Where there is no rival nobody takes over: a laptop that slept goes on.
  const timeoutSeconds = parts.isAlone ? Infinity : settings.conductor.heartbeat_timeout;
  const lease = new Lease({ hostname, clock, timeoutSeconds, stopping });
  return {
    parts,
    operations: new Operations(parts, pool, lease),
    pool,
    lease,
    membership: new Membership(parts),
    get signal() {
      return lease.signal;
    },
  };
}

/** The others take what is this conductor's, and it comes to rest. */
async function leaveInOrder(
  { parts, membership, operations, pool }: ConductorWorkings,
  served: ServedConductor,
): Promise<void> {
  await tryToTell(parts, membership.leave());
  // A call that still comes is not delivered, and goes to whom the ring names now.
  await served.stop();
  operations.leave();
  await comesToRest(parts, pool);
}

/** A store that does not take it does not hold up the end: then the others see that no sign of life comes. */
async function tryToTell({ log }: ConductorParts, telling: Promise<void>): Promise<void> {
  await telling.catch((error: unknown) => log.warn({ err: error }, 'could not tell that it leaves'));
}

function withTracedAgents(parts: GivenParts): GivenParts {
  const { tracer, agentExchange = exchangeOverHttp } = parts;
  return tracer ? { ...parts, agentExchange: tracedExchange(agentExchange, tracer) } : parts;
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
