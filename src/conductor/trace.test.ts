import assert from 'node:assert/strict';
import { it } from 'node:test';
import { done } from '#drivers/steps.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { ancestorsOf, startCollector } from '#telemetry/testing/collector.ts';
import { Ground, hearAgent } from './testing/a-conductor.ts';
import { agentIsKnown, hang } from './testing/scripted-driver.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const asked: RequestContext = {
  requestId: 'req-deploy',
  userId: null,
  traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
};
const deployment = { rebuild: false, configdrive: null, steps: [] };

it('a deployment that another conductor goes on with stays in the trace of its request', async () => {
  await using collector = await startCollector();
  await using ground = await Ground.make();
  const [firstTracer, secondTracer] = [collector.tracer(), collector.tracer()];
  const first = await ground.conductor({ tracer: firstTracer });
  const node = await ground.node(first, { provision_state: 'available' });
  ground.driver.next('deploy', { kind: 'wait', for: 'agent', changes: agentIsKnown }, done);
  ground.driver.next('write', hang, done);
  await first.call('do_node_deploy', { node, ...deployment }, asked);
  await ground.untilWaits(node);
  await hearAgent(first, node);
  await ground.clock.until(
    async () => ground.driver.callsOf('write').length === 1,
    'the image being written',
  );
  first.kill();
  await ground.conductor({ tracer: secondTracer });
  assert.equal((await ground.untilAtRest(node)).provision_state, 'active');
  const { id } = await ground.lastOperation(node);
  await firstTracer[Symbol.asyncDispose]();
  await secondTracer[Symbol.asyncDispose]();

  const { spans } = collector;
  const ofTrace = spans.filter((span) => span.traceId === traceId);
  const steps = ofTrace.filter(({ name }) => name.startsWith('step '));
  assert.ok(steps.length > 3);
  for (const step of steps) {
    assert.deepEqual(ancestorsOf(step, spans), ['operation deploy', 'answer do_node_deploy'], step.name);
    assert.equal(step.attributes['ingot.operation'], id);
  }
  // The first died in the middle of it and told nothing; the second ran it to its end.
  assert.deepEqual(
    steps.filter(({ name }) => name === 'step deploy.write').map(({ attributes }) => attributes),
    [
      {
        'ingot.node': node,
        'ingot.operation': id,
        'ingot.request': steps.at(-1)?.attributes['ingot.request'],
        'ingot.step.attempt': 2,
        'ingot.step.outcome': 'done',
      },
    ],
  );
  const [operation, ...others] = ofTrace.filter(({ name }) => name === 'operation deploy');
  assert.deepEqual(others, []);
  assert.equal(operation?.attributes['ingot.operation.state'], 'done');
  // What heartbeats are asked for belongs to them, and the deployment's steps do not.
  assert.ok(spans.some(({ name, traceId: of }) => name === 'answer heartbeat' && of !== traceId));
});

it('an operation that fails says why in its trace, and what follows it stays in there', async () => {
  await using collector = await startCollector();
  await using ground = await Ground.make();
  const tracer = collector.tracer();
  const conductor = await ground.conductor({ tracer });
  const node = await ground.node(conductor, { provision_state: 'active' });
  ground.driver.next('erase', new Error('no such disk'));
  await conductor.call('do_node_tear_down', { node }, asked);
  await ground.untilAtRest(node);
  await tracer[Symbol.asyncDispose]();
  const operations = collector.spans.filter(({ name }) => name.startsWith('operation '));
  assert.deepEqual(
    operations.map(({ name, status, traceId: of }) => [name, status, of]),
    [
      ['operation tear down', 0, traceId],
      ['operation clean', 2, traceId],
    ],
  );
  const failed = collector.spans.find(({ name }) => name === 'step deploy.erase');
  assert.ok(failed);
  assert.equal(failed.status, 2);
  assert.deepEqual(ancestorsOf(failed, collector.spans), ['operation clean', 'answer do_node_tear_down']);
});
