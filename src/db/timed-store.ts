import type { Metrics } from '#telemetry/metrics.ts';
import { timed } from '#telemetry/timed.ts';
import type { Store } from './store.ts';

/** The store, noting how long each write took. */
export function timedStore(store: Store, metrics: Metrics, now: () => number): Store {
  const note = (seconds: number, outcome: string): void =>
    metrics.observe('ingot_store_write_seconds', { outcome }, seconds);
  return {
    read: store.read,
    write: async (change) => await timed(now, note, async () => await store.write(change)),
    [Symbol.asyncDispose]: async () => await store[Symbol.asyncDispose](),
  };
}
