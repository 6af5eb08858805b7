import type { Operations } from './operations.ts';
import type { ConductorParts } from './parts.ts';

/** The parts, and what a conductor makes for itself: what calls and periodic tasks work with. */
export interface ConductorWorkings {
  readonly parts: ConductorParts;
  readonly operations: Operations;
  /** Aborted when the conductor stops. */
  readonly signal: AbortSignal;
}
