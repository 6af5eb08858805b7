import type { Settings } from '#config/settings.ts';
import type { Ring } from '#db/ring.ts';
import type { Store } from '#db/store.ts';
import type { AgentExchange } from '#drivers/agent-exchange.ts';
import type { DriverRegistry } from '#drivers/registry.ts';
import type { Log } from '#drivers/task.ts';
import type { Clock, Random } from '#model/clock.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import type { Signals } from '#protocol/signals.ts';
import type { NodesInHand } from './lock/nodes-in-hand.ts';

/** What a conductor is made of; all of it passed in. */
export interface GivenParts {
  readonly hostname: string;
  /**
   * No other conductor can be at work on this store, as with the embedded one. Then whatever another host name left
   * is an earlier life of this one: its machine, or its container, was called otherwise.
   */
  readonly isAlone: boolean;
  readonly settings: Settings;
  readonly store: Store;
  readonly ring: Ring;
  readonly signals: Signals;
  readonly registry: DriverRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: nothing is counted. */
  readonly metrics?: Metrics;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
  /** How agents are reached. Absent: over HTTP. */
  readonly agentExchange?: AgentExchange;
  /**
   * Called at every boundary where the process could die with a difference: before a step runs, after it ran,
   * after its outcome is committed. A simulator that wants to kill the process there never answers.
   */
  readonly checkpoint: (name: string, nodeUuid: string) => Promise<void>;
}

/** The same, with what every part of the conductor shares. */
export interface ConductorParts extends GivenParts {
  readonly inHand: NodesInHand;
}
