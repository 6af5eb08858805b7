import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ancestorsOf, startCollector } from './testing/collector.ts';
import { readTraceparent, traced, writeTraceparent } from './tracing.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${spanId}-01`;

describe('a traceparent', () => {
  it('is read as W3C says', () => {
    assert.deepEqual(readTraceparent(traceparent), { traceId, spanId, isSampled: true });
    assert.equal(readTraceparent(`00-${traceId}-${spanId}-02`)?.isSampled, false);
    assert.equal(readTraceparent(`01-${traceId}-${spanId}-01-more`)?.traceId, traceId);
    assert.equal(writeTraceparent({ traceId, spanId, isSampled: true }), traceparent);
  });

  for (const text of [
    undefined,
    '',
    'nonsense',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
  ])
    it(`is none when it is ${text}`, () => assert.equal(readTraceparent(text), undefined));
});

describe('a tracer', () => {
  it('sends spans with their parents, by whatever they were begun', async () => {
    await using collector = await startCollector();
    const tracer = collector.tracer();
    const outer = { name: 'outer', kind: 'server', attributes: { 'ingot.node': 'n1' } } as const;
    await traced(
      tracer,
      outer,
      async () => {
        await new Promise(setImmediate);
        await assert.rejects(
          traced(tracer, { name: 'inner', kind: 'client' }, async () => {
            throw new TypeError('no: https://me:hunter2@host/');
          }),
        );
      },
      traceparent,
    );
    assert.equal(tracer.place, undefined);
    await tracer[Symbol.asyncDispose]();
    const inner = collector.spans.find(({ name }) => name === 'inner');
    const found = collector.spans.find(({ name }) => name === 'outer');
    assert.ok(inner && found);
    assert.deepEqual(ancestorsOf(inner, collector.spans), ['outer']);
    assert.deepEqual([found.traceId, found.parentSpanId, found.kind], [traceId, spanId, 2]);
    assert.equal(found.attributes['ingot.node'], 'n1');
    assert.deepEqual([inner.kind, inner.status, inner.attributes['error.type']], [3, 2, 'TypeError']);
    assert.equal(found.resource['service.name'], 'ingot-test');
    assert.doesNotMatch(collector.text, /hunter2/);
  });

  it('keeps out of a trace that its caller keeps nothing of', async () => {
    await using collector = await startCollector();
    const tracer = collector.tracer();
    const span = tracer.begin({ name: 'unsampled', kind: 'server' }, `00-${traceId}-${spanId}-00`);
    assert.match(span.traceparent, new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    span.end();
    await tracer[Symbol.asyncDispose]();
    assert.equal(collector.requests, 0);
  });

  it('begins a trace of its own for whoever tells of none, or of nonsense', async () => {
    await using collector = await startCollector();
    const tracer = collector.tracer();
    tracer.begin({ name: 'alone', kind: 'server' }, 'nonsense').end();
    await tracer[Symbol.asyncDispose]();
    assert.deepEqual(
      collector.spans.map(({ name, parentSpanId }) => [name, parentSpanId]),
      [['alone', undefined]],
    );
  });

  it('tells of what is over under the id that others were told before', async () => {
    await using collector = await startCollector();
    const tracer = collector.tracer();
    const own = `00-${traceId}-1111111111111111-01`;
    tracer.at(own, () => tracer.begin({ name: 'child', kind: 'internal' })).end();
    tracer.tell({
      name: 'past',
      kind: 'internal',
      traceparent: own,
      parent: traceparent,
      begun: 1000,
      ended: 61_000,
    });
    await tracer[Symbol.asyncDispose]();
    const [child, past] = ['child', 'past'].map((name) => collector.spans.find((each) => each.name === name));
    assert.deepEqual([child?.traceId, child?.parentSpanId], [traceId, '1111111111111111']);
    assert.deepEqual([past?.spanId, past?.parentSpanId], ['1111111111111111', spanId]);
    assert.deepEqual([past?.begun, past?.ended], [1000, 61_000]);
  });

  it('says once that a collector refuses what it is sent, and goes on', async () => {
    await using collector = await startCollector();
    collector.answer(400);
    const troubles: (Error | undefined)[] = [];
    const tracer = collector.tracer((error) => troubles.push(error));
    tracer.begin({ name: 'lost', kind: 'server' }).end();
    await tracer[Symbol.asyncDispose]();
    assert.equal(troubles.length, 1);
    assert.ok(troubles[0] instanceof Error);
  });
});
