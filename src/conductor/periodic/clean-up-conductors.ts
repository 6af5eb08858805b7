import { deleteStaleConductors } from '#db/conductors.ts';
import { wireTime } from '#model/clock.ts';
import type { PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: a conductor that nobody heard of for [conductor]conductor_cleanup_timeout is forgotten. When: every
 * [conductor]conductor_cleanup_interval. Not its business: what it left, which others took over long before.
 */
export const cleanUpConductors: PeriodicTask = {
  name: 'clean-up-conductors',
  spacingSeconds: (settings) => settings.conductor.conductor_cleanup_interval,
  async run({ parts }) {
    const { conductor_cleanup_timeout: seconds, conductor_cleanup_batch_size: batch } =
      parts.settings.conductor;
    const before = wireTime(parts.clock.now() - seconds * 1000);
    const forgotten = await parts.store.write(
      async (transaction) => await deleteStaleConductors(transaction, before, batch),
    );
    if (forgotten.length > 0) parts.log.info({ forgotten }, 'forgot conductors that are long gone');
  },
};
