import { readHeldBy } from '#db/open-work.ts';
import { ownContext } from '../own-context.ts';
import { takeOver } from './take-over.ts';
import type { ConductorWorkings } from '../workings.ts';

/**
 * Ensures: the conductor is registered, may act, and goes on with what is still its own: what ran under its name goes
 * on from its last commit, what it only held is free. When: at the start, and when its lease had lapsed.
 */
export async function takeItsPlace(workings: ConductorWorkings): Promise<void> {
  const { parts, lease, membership } = workings;
  const from = parts.clock.now();
  await membership.register();
  // As long as nothing may begin: what is held under an epoch of before is left, and what begins then is not.
  const held = await readHeldBy(parts.store.read, parts.hostname);
  const isOfBefore = (node: { uuid: string; reservation_epoch: number }): boolean =>
    held.get(node.uuid) === node.reservation_epoch;
  lease.begin(from);
  await takeOver(workings, ownContext(parts.random), isOfBefore);
}
