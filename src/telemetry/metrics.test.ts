import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMetrics } from './metrics.ts';
import { timed } from './timed.ts';

it('tells everything that was counted, each process its own', async () => {
  const metrics = createMetrics();
  const other = createMetrics();
  metrics.observe('ingot_api_request_seconds', { method: 'GET', route: '/v1/nodes', status: '200' }, 0.02);
  metrics.count('ingot_lock_waits_total', { outcome: 'held' });
  metrics.gauge('ingot_worker_load', () => [{ labels: {}, value: 7 }]);
  const text = await metrics.text();
  assert.match(
    text,
    /ingot_api_request_seconds_bucket\{le="0.025",method="GET",route="\/v1\/nodes",status="200"\} 1/,
  );
  assert.match(text, /ingot_lock_waits_total\{outcome="held"\} 1/);
  assert.match(text, /^ingot_worker_load 7$/m);
  assert.doesNotMatch(await other.text(), /status="200"/);
});

it('keeps a bounded number of series, whatever names others make up', async () => {
  const metrics = createMetrics();
  const labels = { operation: 'clean', interface: 'deploy', outcome: 'done' };
  for (let number = 0; number < 3000; number += 1)
    metrics.observe('ingot_step_seconds', { ...labels, step: `step-${number}` }, 1);
  metrics.observe('ingot_step_seconds', { ...labels, step: 'step-0' }, 1);
  const text = await metrics.text();
  const counts = text.split('\n').filter((line) => line.startsWith('ingot_step_seconds_count'));
  assert.ok(counts.length <= 1001, `${counts.length} series`);
  assert.match(text, /ingot_step_seconds_count\{.*step="step-0".*\} 2/);
  assert.match(text, /ingot_step_seconds_count\{.*step="others".*\} 2000/);
});

it('leaves out what cannot be looked up, and tells the rest', async () => {
  const metrics = createMetrics();
  metrics.gauge('ingot_operations_open', () => Promise.reject(new Error('the store is away')));
  metrics.count('ingot_heartbeats_total', {});
  assert.match(await metrics.text(), /^ingot_heartbeats_total 1$/m);
});

it('notes how long a failure took too', async () => {
  let now = 0;
  const noted: unknown[] = [];
  const fail = async (): Promise<void> => {
    now = 2500;
    throw new Error('no');
  };
  await assert.rejects(
    timed(
      () => now,
      (...all) => noted.push(all),
      fail,
    ),
  );
  assert.deepEqual(noted, [[2.5, 'failed']]);
});
