import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMetrics } from '#telemetry/metrics.ts';
import { openTestStore } from './testing/databases.ts';
import { timedStore } from './timed-store.ts';

it('writes are counted while they wait, and noted when they are over', async () => {
  const metrics = createMetrics();
  await using store = timedStore(await openTestStore(), metrics, () => 0);
  const { promise: first, resolve: goOn } = Promise.withResolvers<void>();
  const writes = [
    store.write(async () => await first),
    store.write(async () => {
      throw new Error('refused');
    }),
  ];
  assert.match(await metrics.text(), /^ingot_store_writes_open 2$/m);
  goOn();
  await Promise.allSettled(writes);
  const text = await metrics.text();
  assert.match(text, /^ingot_store_writes_open 0$/m);
  assert.match(text, /ingot_store_write_seconds_count\{outcome="done"\} 1/);
  assert.match(text, /ingot_store_write_seconds_count\{outcome="failed"\} 1/);
});
