import { trimHistory } from '#db/history.ts';
import { wireTime } from '#model/clock.ts';
import type { PeriodicTask } from './periodic-task.ts';

const dayMilliseconds = 86_400_000;

/**
 * Ensures: of a node's history no more than [conductor]node_history_max_entries stays, but for what is younger than
 * node_history_minimum_days. When: every [conductor]node_history_cleanup_interval, a batch of
 * node_history_cleanup_batch_count at a time. Not its business: history without a limit.
 */
export const trimOldHistory: PeriodicTask = {
  name: 'trim-history',
  spacingSeconds: ({ conductor }) =>
    conductor.node_history_max_entries > 0 && conductor.node_history_cleanup_batch_count > 0
      ? conductor.node_history_cleanup_interval
      : 0,
  async run({ parts, lease }) {
    const { conductor } = parts.settings;
    const before = wireTime(parts.clock.now() - conductor.node_history_minimum_days * dayMilliseconds);
    const { node_history_max_entries: keep, node_history_cleanup_batch_count: limit } = conductor;
    let removed = 0;
    do {
      removed = await parts.store.write(
        async (transaction) => await trimHistory(transaction, { keep, before, limit }),
      );
    } while (removed > 0 && lease.holds);
  },
};
