import type { Metrics } from '#telemetry/metrics.ts';
import { timed } from '#telemetry/timed.ts';
import type { Store } from './store.ts';

/** The store, noting how long each write took, and telling how many there are at a time. */
export function timedStore(store: Store, metrics: Metrics, now: () => number): Store {
  const note = (seconds: number, outcome: string): void =>
    metrics.observe('ingot_store_write_seconds', { outcome }, seconds);
  let open = 0;
  metrics.gauge('ingot_store_writes_open', () => [{ labels: {}, value: open }]);
  return {
    read: store.read,
    async write(change) {
      open += 1;
      try {
        return await timed(now, note, async () => await store.write(change));
      } finally {
        open -= 1;
      }
    },
    [Symbol.asyncDispose]: async () => await store[Symbol.asyncDispose](),
  };
}
