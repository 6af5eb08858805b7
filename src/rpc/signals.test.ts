import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { Signals } from '#protocol/signals.ts';
import { startNats } from '#sim/cluster/nats.ts';
import { carriers, overNats } from './testing/carriers.ts';

/** Resolves with the next signal of a conductor. */
async function nextChange(signals: Signals): Promise<unknown> {
  const heard = new EventTarget();
  const forget = signals.on('conductors.changed', (body) =>
    heard.dispatchEvent(new CustomEvent('signal', { detail: body })),
  );
  const [event] = (await once(heard, 'signal')) as [CustomEvent];
  forget();
  return event.detail;
}

for (const [name, start] of Object.entries(carriers))
  describe(`signals ${name}`, () => {
    let way: Awaited<ReturnType<typeof start>>;
    before(async () => {
      way = await start();
    });
    after(async () => await way.stop());

    it('reach every process once, the teller too, until it stops to listen', async () => {
      await using carrier = await way.make();
      const [teller, other] = carrier.signals;
      await carrier.settled();
      const heard: string[] = [];
      const stop = teller.on('conductors.changed', ({ hostname }) => heard.push(hostname));
      for (const hostname of ['a', 'b']) {
        const seen = nextChange(other);
        teller.tell('conductors.changed', { hostname, online: true });
        assert.deepEqual(await seen, { hostname, online: true });
      }
      stop();
      const seen = [nextChange(other), nextChange(teller)];
      teller.tell('conductors.changed', { hostname: 'c', online: false });
      assert.deepEqual(await Promise.all(seen), [
        { hostname: 'c', online: false },
        { hostname: 'c', online: false },
      ]);
      assert.deepEqual(heard, ['a', 'b']);
    });
  });

describe('signals over a broker', () => {
  it('are heard by the teller while it is away', async () => {
    const nats = await startNats();
    await using carrier = await overNats(nats);
    await nats.stop();
    const [teller] = carrier.signals;
    const seen = nextChange(teller);
    teller.tell('conductors.changed', { hostname: 'a', online: true });
    assert.deepEqual(await seen, { hostname: 'a', online: true });
  });

  it('that are none are not heard', async () => {
    const nats = await startNats();
    try {
      await using carrier = await overNats(nats);
      const [, hearer] = carrier.signals;
      const [{ connection, subjects }] = carrier.brokers;
      await carrier.settled();
      const seen = nextChange(hearer);
      for (const junk of ['', 'null', '{}', '{"body":1}', '{"body":{"hostname":1,"online":true}}'])
        connection.publish(subjects.signal('conductors.changed'), junk);
      carrier.signals[0].tell('conductors.changed', { hostname: 'real', online: true });
      assert.deepEqual(await seen, { hostname: 'real', online: true });
    } finally {
      await nats.stop();
    }
  });
});
