import { trimEvents } from '#db/events.ts';
import type { PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: no more events are kept than [ingot]events_kept. When: once a minute.
 * Not its business: the history of nodes, which is trimmed where it is written.
 */
export const trimOldEvents: PeriodicTask = {
  name: 'trim-events',
  spacingSeconds: () => 60,
  async run({ parts }) {
    await parts.store.write(async (transaction) => {
      await trimEvents(transaction, parts.settings.ingot.events_kept);
    });
  },
};
