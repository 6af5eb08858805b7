import { touchConductor } from '#db/conductors.ts';
import { trimEvents } from '#db/events.ts';
import type { PeriodicTask } from './periodic-task.ts';

/** Ensures: the others see that this conductor lives. When: every [conductor]heartbeat_interval. */
export const keepAlive: PeriodicTask = {
  name: 'keep-alive',
  spacingSeconds: (settings) => settings.conductor.heartbeat_interval,
  async run({ parts }) {
    await parts.store.write(async (transaction) => {
      await touchConductor(transaction, parts.hostname, { online: true }, parts.clock);
    });
  },
};

/** Ensures: no more events are kept than [ingot]events_kept. When: once a minute. */
export const trimOldEvents: PeriodicTask = {
  name: 'trim-events',
  spacingSeconds: () => 60,
  async run({ parts }) {
    await parts.store.write(async (transaction) => {
      await trimEvents(transaction, parts.settings.ingot.events_kept);
    });
  },
};
