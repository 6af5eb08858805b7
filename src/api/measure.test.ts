import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMetrics } from '#telemetry/metrics.ts';
import { startApi } from './testing/api-under-test.ts';

it('counts requests by the template of their route, and tells it to Prometheus', async () => {
  await using api = await startApi({ settings: { ingot: { metrics: true } }, metrics: createMetrics() });
  const created = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
  for (const ident of [created.json.uuid, created.json.uuid, 'nobody'])
    await api.request('GET', `/v1/nodes/${ident}`);
  const answer = await fetch(`${api.url}/metrics`);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=/);
  const text = await answer.text();
  assert.match(
    text,
    /ingot_api_request_seconds_count\{method="GET",route="\/v1\/nodes\/:node",status="200"\} 2/,
  );
  assert.match(
    text,
    /ingot_api_request_seconds_count\{method="GET",route="\/v1\/nodes\/:node",status="404"\} 1/,
  );
  assert.match(text, /^ingot_event_streams 0$/m);
  assert.match(text, /^ingot_worker_size 300$/m);
});

it('tells nothing unless it is enabled', async () => {
  await using api = await startApi({ metrics: createMetrics() });
  assert.equal((await fetch(`${api.url}/metrics`)).status, 404);
});
