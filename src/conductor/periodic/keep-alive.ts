import { touchConductor } from '#db/conductors.ts';
import type { PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: the others see that this conductor lives. When: every [conductor]heartbeat_interval.
 * Not its business: saying goodbye, which `stop` does.
 */
export const keepAlive: PeriodicTask = {
  name: 'keep-alive',
  spacingSeconds: (settings) => settings.conductor.heartbeat_interval,
  async run({ parts }) {
    await parts.store.write(async (transaction) => {
      await touchConductor(transaction, parts.hostname, { online: true }, parts.clock);
    });
  },
};
