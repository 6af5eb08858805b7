import { registerConductor } from '#db/conductors.ts';
import { takeUpWhatWasLeft } from './take-up.ts';
import type { ConductorWorkings } from './workings.ts';

/**
 * Ensures: the conductor is registered, may act, and goes on with what is still its own. When: at the start, and when
 * its lease had lapsed. Not its business: what the others took over meanwhile.
 */
export async function takeItsPlace({ parts, operations, lease }: ConductorWorkings): Promise<void> {
  const from = parts.clock.now();
  await parts.store.write(async (transaction) => {
    const { hostname, settings, registry, clock } = parts;
    const { conductor_group: conductorGroup } = settings.conductor;
    await registerConductor(
      transaction,
      { hostname, conductorGroup, interfaces: registry.registrations() },
      clock,
    );
  });
  lease.begin(from);
  parts.ring.invalidate();
  await takeUpWhatWasLeft(parts, operations);
}
