import type { Logger } from 'pino';
import type { Settings } from '#config/settings.ts';
import type { Ring } from '#db/ring.ts';
import type { Store } from '#db/store.ts';
import type { Clock, Random } from '#model/clock.ts';
import type { ConductorClient } from '#protocol/rpc.ts';
import type { Signals } from '#protocol/signals.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import type { Access } from './access.ts';
import type { EventHub } from './ingot/events/hub.ts';
import type { FleetPast } from './ingot/fleet-past.ts';
import type { NodeViews } from './nodes/serialize.ts';

/** What the API is made of. Handlers reach everything else through these. */
export interface ApiParts {
  readonly settings: Settings;
  readonly store: Store;
  readonly conductors: ConductorClient;
  readonly ring: Ring;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Pick<Logger, 'error' | 'warn' | 'info' | 'debug'>;
  /** Absent: everyone may do everything. */
  readonly access?: Access;
  /** Absent: nothing is counted. */
  readonly metrics?: Metrics;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

/** The parts, and what the API makes for itself. */
export interface ApiWorkings extends ApiParts {
  readonly nodeViews: NodeViews;
  readonly past: FleetPast;
  readonly eventHub: EventHub;
}
