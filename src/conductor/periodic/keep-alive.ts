import { touchConductor } from '#db/conductors.ts';
import { takeItsPlace } from '../take-its-place.ts';
import type { PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: the others see that this conductor lives, and it knows that they do; one that was away for too long takes
 * its place anew. When: every [conductor]heartbeat_interval. Not its business: saying goodbye, which `stop` does.
 */
export const keepAlive: PeriodicTask = {
  name: 'keep-alive',
  spacingSeconds: (settings) => settings.conductor.heartbeat_interval,
  evenWithoutLease: true,
  async run(workings) {
    const { parts, lease } = workings;
    const from = parts.clock.now();
    await parts.store.write(async (transaction) => {
      await touchConductor(transaction, parts.hostname, { online: true }, parts.clock);
    });
    if (lease.renew(from)) return;
    parts.log.warn(
      { hostname: parts.hostname },
      'could not say that it lives for too long; takes its place anew',
    );
    await takeItsPlace(workings);
  },
};
