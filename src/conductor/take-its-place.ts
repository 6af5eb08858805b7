import { ownContext } from './own-context.ts';
import { takeOver } from './take-over.ts';
import type { ConductorWorkings } from './workings.ts';

/**
 * Ensures: the conductor is registered, may act, and goes on with what is still its own: what ran under its name goes
 * on from its last commit, what it only held is free. When: at the start, and when its lease had lapsed.
 */
export async function takeItsPlace(workings: ConductorWorkings): Promise<void> {
  const { parts, lease, membership } = workings;
  const from = parts.clock.now();
  await membership.register();
  lease.begin(from);
  await takeOver(workings, ownContext(parts.random), { isLeft: () => true, releasesHeld: true });
}
