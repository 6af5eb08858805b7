import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '#bin/log.ts';
import { loadSettings } from '#config/settings.ts';
import { startCollector } from '#telemetry/testing/collector.ts';
import { startApi, untilAtRest } from './testing/api-under-test.ts';

type Line = Record<string, unknown>;

it('every line of a deployment says the node, the operation, the request and the trace', async () => {
  await using collector = await startCollector();
  const lines: Line[] = [];
  const tracer = collector.tracer();
  const log = createLog(loadSettings(undefined, { DEFAULT: { debug: true } }).settings, {
    tracer,
    destination: { write: (line) => void lines.push(JSON.parse(line) as Line) },
  });
  await using api = await startApi({ log, tracer });
  const { json: node } = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
  const asked: { target: string; request: string | null; from: number }[] = [];
  for (const target of ['manage', 'provide', 'active']) {
    const path = `/v1/nodes/${node.uuid}/states/provision`;
    const from = lines.length;
    const { headers } = await api.request('PUT', path, { body: { target } });
    asked.push({ target, request: headers.get('openstack-request-id'), from });
    while (lines.slice(from).every(({ msg }) => msg !== 'operation ended')) await sleep(5);
    await untilAtRest(api, node.uuid);
  }
  const [, , deployment] = asked;
  const told = lines.slice(deployment?.from);
  const messages = told.map(({ msg }) => msg);
  assert.equal(messages[0], 'operation begun');
  assert.ok(messages.includes('a step ran'));
  assert.equal(messages.at(-1), 'operation ended');
  const operations = new Set(told.map(({ operation }) => operation));
  const traces = new Set(told.map(({ trace_id }) => trace_id));
  assert.equal(operations.size, 1);
  assert.match(String([...operations]), /^[0-9a-f-]{36}$/);
  assert.equal(traces.size, 1);
  assert.match(String([...traces]), /^[0-9a-f]{32}$/);
  for (const line of told) {
    assert.equal(line['node'], node.uuid, String(line['msg']));
    assert.equal(line['request'], deployment?.request, String(line['msg']));
  }
  await tracer[Symbol.asyncDispose]();
});

it('a call and a request that fail for no known reason say whose they are', async () => {
  const lines: Line[] = [];
  const log = createLog(loadSettings(undefined, {}).settings, {
    destination: { write: (line) => void lines.push(JSON.parse(line) as Line) },
  });
  await using api = await startApi({
    log,
    handlers: {
      set_maintenance: async () => {
        throw new Error('unforeseen');
      },
    },
  });
  const { json: node } = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
  const { headers } = await api.request('PUT', `/v1/nodes/${node.uuid}/maintenance`, { body: {} });
  const [line, ...others] = lines;
  assert.deepEqual(others, []);
  assert.deepEqual(
    [line?.['msg'], line?.['call'], line?.['node'], line?.['request']],
    ['a call failed', 'set_maintenance', node.uuid, headers.get('openstack-request-id')],
  );
});
