import type { Lease } from './membership/lease.ts';
import type { Membership } from './membership/membership.ts';
import type { Operations } from './operations/operations.ts';
import type { ConductorParts } from './parts.ts';
import type { WorkerPool } from './operations/worker-pool.ts';

/** The parts, and what a conductor makes for itself: what calls and periodic tasks work with. */
export interface ConductorWorkings {
  readonly parts: ConductorParts;
  readonly operations: Operations;
  readonly pool: WorkerPool;
  readonly lease: Lease;
  readonly membership: Membership;
  /**
   * Aborted when the conductor stops, or may not act on machines any more: that of the lease's present term. Taken
   * anew for each piece of work, at its beginning.
   */
  readonly signal: AbortSignal;
}
