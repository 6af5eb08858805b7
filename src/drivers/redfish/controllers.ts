// The BMCs of the nodes: one client per controller, shared by every task that asks it something.
import { BmcCircuitOpen, BmcError, BmcSettingInvalid, BmcTimeout, BmcUnreachable } from '#bmc/errors.ts';
import type { RedfishClient } from '#bmc/redfish/client.ts';
import { defaultRedfishOptions } from '#bmc/redfish/options.ts';
import { RedfishPool, type RedfishPoolOptions } from '#bmc/redfish/pool.ts';
import { networkTransport } from '#bmc/redfish/transport.ts';
import { findSystem } from '#bmc/redfish/system.ts';
import type { Settings } from '#config/settings.ts';
import { type Clock, type Random, wireTime } from '#model/clock.ts';
import { InvalidParameterValue, RedfishConnectionError, RedfishError } from '#model/faults.ts';
import type { BmcReachability } from '#protocol/node-view.ts';
import type { LookingTask, Task } from '../task.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import { timed } from '#telemetry/timed.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import { tracedTransport } from '../trace-requests.ts';
import { redfishInfoOf } from './driver-info.ts';

/** Where a node is managed: the arguments of every function of src/bmc/redfish, in their order. */
export type System = readonly [client: RedfishClient, systemPath: string, signal: AbortSignal];

export interface Controllers extends AsyncDisposable {
  /**
   * Does something with the BMC of a task's node. What goes wrong becomes a published fault: RedfishConnectionError
   * when the BMC cannot be asked, RedfishError when it refuses, InvalidParameterValue when driver_info is at fault.
   */
  use<T>(task: LookingTask, work: (system: System) => Promise<T>): Promise<T>;
  /** How reaching that BMC went lately; null when nothing was asked of it yet. Asks nobody. */
  reachability(task: Task): BmcReachability | null;
}

export function createControllers(
  settings: Settings,
  world: { clock: Clock; random: Random; metrics?: Metrics; tracer?: Tracer },
): Controllers {
  const { metrics, clock, random, tracer } = world;
  const pool = new RedfishPool(poolOptions(settings), {
    clock,
    random,
    ...(tracer && { transport: tracedNetwork(tracer) }),
  });
  metrics?.gauge('ingot_bmc_left_alone', () => [{ labels: {}, value: pool.leftAlone }]);
  const note = (seconds: number, outcome: string): void =>
    metrics?.observe('ingot_bmc_request_seconds', { outcome }, seconds);
  const measured = async <T>(work: () => Promise<T>): Promise<T> =>
    metrics ? await timed(() => clock.now(), note, work) : await work();
  return {
    async use(task, work) {
      const { target, systemPath } = redfishInfoOf(task.node, task.settings);
      try {
        const client = pool.client(target);
        return await measured(
          async () => await work([client, await findSystem(client, systemPath, task.signal), task.signal]),
        );
      } catch (error) {
        throw asFault(task, error);
      }
    },
    reachability({ node, settings: own }) {
      const client = pool.known(redfishInfoOf(node, own).target);
      if (!client) return null;
      const { failures, openUntil, lastFailure } = client.reachability;
      const leftAloneUntil = openUntil === null ? null : wireTime(openUntil);
      return { address: client.address, failures, leftAloneUntil, lastFailure };
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

function tracedNetwork(tracer: Tracer): typeof networkTransport {
  return (origin, ...rest) => tracedTransport(origin, networkTransport(origin, ...rest), tracer);
}

function asFault(task: Pick<Task, 'node'>, error: unknown): unknown {
  if (error instanceof BmcSettingInvalid) return new InvalidParameterValue(error.message, { cause: error });
  if (!(error instanceof BmcError)) return error;
  const isAway =
    error instanceof BmcUnreachable || error instanceof BmcTimeout || error instanceof BmcCircuitOpen;
  if (isAway)
    return new RedfishConnectionError({ node: task.node.uuid, error: error.message }, { cause: error });
  return new RedfishError({ error: error.message }, { cause: error });
}

function poolOptions({ redfish, ingot }: Settings): RedfishPoolOptions {
  return {
    ...defaultRedfishOptions,
    connectionAttempts: redfish.connection_attempts,
    connectionRetryIntervalSeconds: redfish.connection_retry_interval,
    connectTimeoutSeconds: redfish.connect_timeout,
    readTimeoutSeconds: redfish.read_timeout,
    // A BMC that drips its answer byte by byte ends too.
    requestTimeoutSeconds: 2 * redfish.read_timeout,
    powerOnConflictRetryAttempts: redfish.power_on_conflict_retry_attempts,
    powerOnConflictRetryIntervalSeconds: redfish.power_on_conflict_retry_interval,
    postBootRetryAttempts: redfish.post_boot_retry_attempts,
    postBootRetryDelaySeconds: redfish.post_boot_retry_delay,
    maxConcurrentRequests: ingot.bmc_requests_per_bmc,
    maxQueuedRequests: ingot.bmc_queue_limit,
    breakerFailures: ingot.bmc_breaker_failures,
    breakerOpenSeconds: ingot.bmc_breaker_pause,
    connectionCacheSize: redfish.connection_cache_size,
    ...(redfish.tls_minimum_version === null
      ? {}
      : { tlsMinimumVersion: `TLSv${redfish.tls_minimum_version}` as const }),
  };
}
