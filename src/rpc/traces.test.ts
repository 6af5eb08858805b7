import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { tracedCalls } from '#api/traced-calls.ts';
import { tracedHandlers } from '#conductor/traced-handlers.ts';
import { NodeNotFound } from '#model/faults.ts';
import { ancestorsOf, startCollector } from '#telemetry/testing/collector.ts';
import { traced } from '#telemetry/tracing.ts';
import { answering, type Carrier, carriers } from './testing/carriers.ts';

const context = { requestId: 'req-1', userId: null };
const node = '11111111-2222-4333-8444-555555555555';

for (const [how, start] of Object.entries(carriers)) {
  describe(`a call ${how}`, () => {
    let carried: Awaited<ReturnType<typeof start>>;
    before(async () => (carried = await start()));
    after(async () => await carried.stop());

    it('stays in the trace of its caller', async () => {
      await using collector = await startCollector();
      await using carrier: Carrier = await carried.make();
      const [api, conductor] = [collector.tracer(), collector.tracer()];
      const handlers = answering({
        destroy_node: async ({ node: uuid }, { traceparent }) => {
          assert.equal(traceparent, conductor.place);
          throw new NodeNotFound({ node: uuid });
        },
        get_driver_properties: async () => ({}),
      });
      const served = await carrier.server.serve(
        { hostname: 'one', hardwareTypes: ['fake-hardware'] },
        tracedHandlers(handlers, conductor),
      );
      await carrier.settled();
      const client = tracedCalls(carrier.client, api);
      await traced(api, { name: 'request', kind: 'server' }, async () => {
        await assert.rejects(client.call('one', 'destroy_node', { node }, context), NodeNotFound);
        await client.callAny('fake-hardware', 'get_driver_properties', context);
      });
      await served.stop();
      await api[Symbol.asyncDispose]();
      await conductor[Symbol.asyncDispose]();
      const { spans } = collector;
      for (const call of ['destroy_node', 'get_driver_properties']) {
        const answer = spans.find(({ name }) => name === `answer ${call}`);
        assert.ok(answer);
        assert.deepEqual(ancestorsOf(answer, spans), [`call ${call}`, 'request']);
      }
      const failed = spans.filter(({ status }) => status === 2).map(({ name }) => name);
      assert.deepEqual(failed.toSorted(), ['answer destroy_node', 'call destroy_node']);
      const { attributes } = spans.find(({ name }) => name === 'answer destroy_node') ?? {};
      assert.deepEqual(
        [attributes?.['ingot.node'], attributes?.['ingot.request'], attributes?.['rpc.method']],
        [node, 'req-1', 'destroy_node'],
      );
    });
  });
}
