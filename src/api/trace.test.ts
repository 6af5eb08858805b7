import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ancestorsOf, startCollector } from '#telemetry/testing/collector.ts';
import { type ApiUnderTest, startApi, untilAtRest } from './testing/api-under-test.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const caller = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };

async function deploy(api: ApiUnderTest, headers: Record<string, string>): Promise<string> {
  const { json: node } = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
  for (const target of ['manage', 'provide', 'active']) {
    const sent = { body: { target }, headers };
    const { status } = await api.request('PUT', `/v1/nodes/${node.uuid}/states/provision`, sent);
    assert.equal(status, 202);
    await untilAtRest(api, node.uuid);
  }
  return node.uuid;
}

it('a deployment is one trace, from the request of its caller to each of its steps', async () => {
  await using collector = await startCollector();
  const tracer = collector.tracer();
  {
    await using api = await startApi({ tracer });
    await deploy(api, caller);
  }
  await tracer[Symbol.asyncDispose]();
  const { spans } = collector;
  const steps = spans.filter(({ name }) => name === 'step deploy.deploy');
  assert.equal(steps.length, 1);
  const [step] = steps;
  assert.ok(step);
  assert.equal(step.traceId, traceId);
  const above = ['operation deploy', 'answer do_node_deploy', 'call do_node_deploy'];
  assert.deepEqual(ancestorsOf(step, spans), [...above, 'PUT /v1/nodes/:node/states/provision']);

  const requests = spans.filter(({ kind, name }) => kind === 2 && name.startsWith('PUT '));
  assert.deepEqual(
    requests.map(({ traceId: of, parentSpanId }) => [of, parentSpanId]),
    Array.from({ length: 3 }, () => [traceId, '00f067aa0ba902b7']),
  );
  const { attributes } = requests[0] ?? {};
  assert.equal(attributes?.['http.route'], '/v1/nodes/:node/states/provision');
  assert.equal(attributes?.['http.request.method'], 'PUT');
  assert.equal(attributes?.['http.response.status_code'], 202);
  assert.match(String(attributes?.['ingot.request']), /^req-/);
});

it('a request that is refused is traced with what it was answered', async () => {
  await using collector = await startCollector();
  const tracer = collector.tracer();
  {
    await using api = await startApi({
      tracer,
      handlers: {
        create_node: async () => {
          throw new Error('unforeseen');
        },
      },
    });
    await api.request('GET', '/v1/nodes/none?secret=hunter2', { headers: caller });
    await api.request('GET', '/v1/nodes', { version: '1.999', headers: caller });
    await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' }, headers: caller });
  }
  await tracer[Symbol.asyncDispose]();
  const seen = collector.spans
    .filter(({ kind, parentSpanId }) => kind === 2 && parentSpanId === '00f067aa0ba902b7')
    .map(({ name, attributes, status }) => [name, attributes['http.response.status_code'], status]);
  assert.deepEqual(seen, [
    ['GET /v1/nodes/:node', 400, 0],
    ['GET /v1/nodes', 406, 0],
    ['POST /v1/nodes', 500, 2],
  ]);
  assert.doesNotMatch(collector.text, /hunter2/);
});

it('what leads to the boot media of a node is in no trace', async () => {
  await using collector = await startCollector();
  const tracer = collector.tracer();
  {
    await using api = await startApi({ tracer });
    const { json: node } = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
    for (const path of ['hunter2/boot.iso', 'hunter2/boot.iso?a=hunter2', 'hunter2', 'hunter2/other.iso'])
      await api.request('GET', `/ingot/boot/${node.uuid}/${path}`, { headers: caller });
  }
  await tracer[Symbol.asyncDispose]();
  assert.ok(collector.spans.length > 0);
  assert.doesNotMatch(collector.text, /hunter2/);
});
