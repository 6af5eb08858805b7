import { takeItsPlace } from '../membership/take-its-place.ts';
import type { OrphanLook } from './take-over-orphans.ts';
import type { PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: the others see that this conductor lives, and it knows that they do; one that was away for too long takes
 * its place anew; who came or went is noticed. When: every [conductor]heartbeat_interval. Not its business: saying
 * goodbye, which `stop` does.
 */
export function keepAlive(orphans: OrphanLook): PeriodicTask {
  return {
    name: 'keep-alive',
    spacingSeconds: (settings) => settings.conductor.heartbeat_interval,
    evenWithoutLease: true,
    async run(workings) {
      const { parts, lease, membership } = workings;
      const from = parts.clock.now();
      const hasChanged = await membership.keepAlive();
      if (lease.stopping.aborted) return;
      if (lease.renew(from)) {
        if (hasChanged) orphans.soon(workings);
        return;
      }
      parts.log.warn(
        { conductor: parts.hostname },
        'could not say that it lives for too long; takes its place anew',
      );
      await takeItsPlace(workings);
    },
  };
}
