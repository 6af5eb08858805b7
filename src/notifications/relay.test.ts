import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { loadSettings, type Settings } from '#config/settings.ts';
import { tellingOfEvents } from '#db/event-signals.ts';
import { addEvent, type EventKind, latestCursor, trimEvents } from '#db/events.ts';
import type { Store } from '#db/store.ts';
import { databases, openTestStore } from '#db/testing/databases.ts';
import { aNode } from '#drivers/testing/a-task.ts';
import { systemClock, systemRandom, wireTime } from '#model/clock.ts';
import type { Log } from '#model/log.ts';
import { type Broker, connectBroker } from '#rpc/broker.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';
import { startNats } from '#sim/cluster/nats.ts';
import type { Notification } from './notification.ts';
import type { Destination } from './destination.ts';
import { destinationsOf } from './destinations.ts';
import { type RelayParts, startRelay } from './relay.ts';
import { nodeSubject } from './subject.ts';
import { Receiver } from './testing/receiver.ts';

interface Bench extends RelayParts, AsyncDisposable {
  readonly store: Store;
  readonly logged: { level: string; message: string }[];
  /** Adds an event about a node of each of these names. */
  happen(...names: string[]): Promise<void>;
  add(kind: EventKind, name: string): Promise<void>;
}

async function aBench(
  ingot: Partial<Settings['ingot']>,
  kind: (typeof databases)[number] = 'sqlite',
): Promise<Bench> {
  const { settings } = loadSettings(undefined, {
    DEFAULT: { notification_level: 'info', host: 'c1' },
    ingot,
  });
  const signals = new InProcessSignals();
  const opened = await openTestStore(kind);
  const store = tellingOfEvents(opened, signals);
  const logged: { level: string; message: string }[] = [];
  const tell = (level: string) => (_fields: object, message: string) => {
    logged.push({ level, message });
  };
  const log: Log = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  const add = async (event: EventKind, name: string): Promise<void> => {
    const node = aNode({ name });
    await store.write(
      async (transaction) =>
        await addEvent(
          transaction,
          {
            at: wireTime(Date.now()),
            kind: event,
            node_uuid: node.uuid,
            operation_id: null,
            request_id: null,
            data: { target: 'power on', power_state: 'power on' },
          },
          nodeSubject(settings, 'conductor', node),
        ),
    );
  };
  return {
    settings,
    store,
    signals,
    clock: systemClock,
    random: systemRandom,
    log,
    logged,
    add,
    async happen(...names) {
      for (const name of names) await add('power.changed', name);
    },
    [Symbol.asyncDispose]: async () => await opened[Symbol.asyncDispose](),
  };
}

function relay(bench: Bench): AsyncDisposable {
  return startRelay(bench, destinationsOf(bench.settings, null, bench.clock, bench.log));
}

/** A relay that has begun: what happens from now on is told. */
async function aBegunRelay(bench: Bench): Promise<AsyncDisposable> {
  const begun = relay(bench);
  await until(async () => (await destinations(bench)).length === bench.settings.ingot.webhook_urls.length);
  return begun;
}

async function destinations({ store }: Bench): Promise<{ cursor: string; holder: string }[]> {
  return await store.read.selectFrom('relays').selectAll().execute();
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(10);
}

const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `n${from + index}`);

for (const kind of databases)
  describe(`a webhook, with the cursor in ${kind}`, () => {
    it('is told of all that happens, in order, signed', async () => {
      await using receiver = await Receiver.start();
      await using bench = await aBench({ webhook_urls: [receiver.url], webhook_secret: 'hunter2' }, kind);
      await using _relay = await aBegunRelay(bench);
      await bench.happen(...numbered(120));
      await receiver.until(() => receiver.taken.length === 120);
      assert.deepEqual(receiver.names, numbered(120));
      const [{ headers, body, notification }] = receiver.taken as [(typeof receiver.taken)[number]];
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['ingot-event'], 'baremetal.node.power_set.end');
      assert.equal(headers['ingot-delivery'], notification.message_id);
      const signed = createHmac('sha256', 'hunter2').update(`${String(headers['ingot-timestamp'])}.${body}`);
      assert.equal(headers['ingot-signature'], `sha256=${signed.digest('hex')}`);
      assert.ok(Math.abs(Number(headers['ingot-timestamp']) - Date.now() / 1000) < 3600);
    });

    it('that was down is told of all of it when it is back, and the log says so once', async () => {
      await using receiver = await Receiver.start();
      await using bench = await aBench({ webhook_urls: [receiver.url] }, kind);
      await using _relay = await aBegunRelay(bench);
      await receiver.stop();
      await bench.happen(...numbered(60));
      await until(async () => bench.logged.length > 0);
      await receiver.start();
      await receiver.until(() => receiver.taken.length === 60);
      assert.deepEqual(receiver.names, numbered(60));
      await until(async () => bench.logged.length > 1);
      assert.deepEqual(
        bench.logged.map(({ level }) => level),
        ['warn', 'info'],
      );
    });

    it('is told by the process that goes on what the one before it did not come to', async () => {
      await using receiver = await Receiver.start();
      await using bench = await aBench({ webhook_urls: [receiver.url] }, kind);
      {
        await using _first = await aBegunRelay(bench);
        await bench.happen(...numbered(30));
        await receiver.until(() => receiver.taken.length >= 10);
      }
      await bench.happen(...numbered(30, 30));
      await using _second = relay(bench);
      await receiver.until(() => receiver.names.at(-1) === 'n59');
      // What was under way when the first ended may have come twice; in order it came all the same.
      assert.deepEqual([...new Set(receiver.names)], numbered(60));
      const ids = new Set(receiver.taken.map(({ notification }) => notification.message_id));
      assert.equal(ids.size, 60);
    });

    it('is told of each thing once, however many processes there are', async () => {
      await using receiver = await Receiver.start();
      await using bench = await aBench({ webhook_urls: [receiver.url] }, kind);
      await using _one = await aBegunRelay(bench);
      await using _other = relay(bench);
      await bench.happen(...numbered(60));
      await receiver.until(() => receiver.taken.length === 60);
      assert.deepEqual(receiver.names, numbered(60));
    });
  });

describe('a webhook', () => {
  it('that fails is asked again, with the same notification', async () => {
    await using receiver = await Receiver.start();
    await using bench = await aBench({ webhook_urls: [receiver.url] });
    await using _relay = await aBegunRelay(bench);
    const failures = [500, 429, 404, 302];
    receiver.behave = ({ headers }) =>
      headers['ingot-delivery'] === receiver.came[0]?.headers['ingot-delivery']
        ? failures.shift()
        : undefined;
    await bench.happen('a', 'b');
    await receiver.until(() => receiver.taken.length === 2);
    assert.deepEqual(receiver.names, ['a', 'b']);
    assert.equal(receiver.came.length, 6);
  });

  it('that does not answer in time is asked again', async () => {
    await using receiver = await Receiver.start();
    await using bench = await aBench({ webhook_urls: [receiver.url], webhook_timeout: 0.1 });
    await using _relay = await aBegunRelay(bench);
    receiver.behave = () => (receiver.came.length === 1 ? 'hang' : undefined);
    await bench.happen('a', 'b');
    await receiver.until(() => receiver.names.includes('b'));
    assert.deepEqual([...new Set(receiver.names)], ['a', 'b']);
    assert.deepEqual(receiver.came[0]?.body, receiver.came[1]?.body);
  });

  it('that will never take a notification is spared it, and the log says so', async () => {
    await using receiver = await Receiver.start();
    await using bench = await aBench({ webhook_urls: [receiver.url] });
    await using _relay = await aBegunRelay(bench);
    receiver.behave = () => (receiver.came.length === 1 ? 422 : undefined);
    await bench.happen('a', 'b');
    await receiver.until(() => receiver.taken.length === 1);
    assert.deepEqual(receiver.names, ['b']);
    assert.match(bench.logged[0]?.message ?? '', /left out/);
  });

  it('that takes a part of a pair only does not get it without end', async () => {
    await using receiver = await Receiver.start();
    await using bench = await aBench({ webhook_urls: [receiver.url] });
    await using _relay = await aBegunRelay(bench);
    const isEnd = ({ event_type: type }: Notification): boolean => type.endsWith('.end');
    let refusals = 2;
    receiver.behave = ({ notification }) => (isEnd(notification) && refusals-- > 0 ? 500 : undefined);
    await bench.add('node.created', 'a');
    await receiver.until(() => receiver.taken.some(({ notification }) => isEnd(notification)));
    assert.equal(receiver.came.length, 6);
  });

  it('that hangs holds up no other', async () => {
    await using slow = await Receiver.start();
    await using quick = await Receiver.start();
    await using bench = await aBench({ webhook_urls: [slow.url, quick.url] });
    await using _relay = await aBegunRelay(bench);
    slow.behave = () => 'hang';
    await bench.happen(...numbered(60));
    await quick.until(() => quick.taken.length === 60);
    assert.deepEqual(quick.names, numbered(60));
    assert.equal(slow.taken.length, 0);
  });

  it('is not told of what was before it, nor of what nobody is told', async () => {
    await using receiver = await Receiver.start();
    await using bench = await aBench({ webhook_urls: [receiver.url] });
    await bench.happen('before');
    await using _relay = await aBegunRelay(bench);
    await bench.add('step.started', 'nobody');
    await bench.happen('after');
    await receiver.until(() => receiver.taken.length === 1);
    assert.deepEqual(receiver.names, ['after']);
  });

  it('that was away for longer than events are kept gets the rest, and the log says what is lost', async () => {
    await using receiver = await Receiver.start();
    await using bench = await aBench({ webhook_urls: [receiver.url] });
    await (await aBegunRelay(bench))[Symbol.asyncDispose]();
    await bench.happen(...numbered(20));
    await bench.store.write(async (transaction) => await trimEvents(transaction, 5));
    await using _relay = relay(bench);
    await receiver.until(() => receiver.taken.length === 5);
    assert.deepEqual(receiver.names, numbered(5, 15));
    const lost = bench.logged.filter(({ message }) => /never be told/.test(message));
    assert.equal(lost.length, 1);
  });

  it('loses nothing where only what nobody is told of was taken away', async () => {
    await using receiver = await Receiver.start();
    await using bench = await aBench({ webhook_urls: [receiver.url] });
    await using _relay = await aBegunRelay(bench);
    await bench.happen('a');
    await receiver.until(() => receiver.taken.length === 1);
    for (let count = 0; count < 20; count += 1) await bench.add('step.started', 'nobody');
    // That the relay passed by these shows in what it sends after them.
    await bench.happen('b');
    await receiver.until(() => receiver.taken.length === 2);
    await until(
      async () => (await destinations(bench))[0]?.cursor === (await latestCursor(bench.store.read)),
    );
    await bench.store.write(async (transaction) => await trimEvents(transaction, 1));
    await bench.happen('c');
    await receiver.until(() => receiver.taken.length === 3);
    assert.deepEqual(bench.logged, []);
  });

  it('is not told anything where no notifications are sent, and the log says so', async () => {
    const { settings } = loadSettings(undefined, { ingot: { webhook_urls: ['http://127.0.0.1:1/'] } });
    const warnings: string[] = [];
    const log: Log = { debug() {}, info() {}, error() {}, warn: (_fields, words) => warnings.push(words) };
    assert.deepEqual(destinationsOf(settings, null, systemClock, log), []);
    assert.match(warnings[0] ?? '', /notification_level/);
  });
});

describe('the broker', () => {
  it('has a subject for each type of event, and is told all of it when it was away', async () => {
    const nats = await startNats();
    try {
      await using bench = await aBench({ broker_url: nats.url });
      await using broker = await connectBroker(bench.settings, bench.log);
      await using listener = await connectBroker(bench.settings, bench.log);
      const heard: Notification[] = [];
      listener.connection.subscribe('ingot.notifications.baremetal.node.power_set.*', {
        callback: (_error, message) => void heard.push(message.json<Notification>()),
      });
      await listener.connection.flush();
      // Who is not there when a notification is published does not hear it: here the listener always is.
      const [destination] = destinationsOf(bench.settings, broker, bench.clock, bench.log) as [Destination];
      let isHeard = true;
      const heardDestination: Destination = {
        ...destination,
        send: async (all, signal) =>
          isHeard ? await destination.send(all, signal) : { count: 0, failure: new Error('not yet') },
      };
      await using _relay = startRelay(bench, [heardDestination]);
      await until(async () => (await destinations(bench)).length === 1);
      const names = (): unknown[] => heard.map(({ payload }) => payload['ironic_object.data']['name']);
      await bench.happen(...numbered(60));
      await until(async () => heard.length === 60);
      assert.deepEqual(names(), numbered(60));
      await nats.stop();
      await until(async () => !broker.isConnected);
      await bench.happen(...numbered(60, 60));
      await until(async () => bench.logged.some(({ message }) => /do not reach the broker/.test(message)));
      isHeard = false;
      await nats.restart();
      await until(async () => await isBack(listener));
      isHeard = true;
      await until(async () => names().at(-1) === 'n119');
      // As told again from where it was surely heard.
      assert.deepEqual([...new Set(names())], numbered(120));
    } finally {
      await nats.stop();
    }
  });
});

/** Whether the broker knows again what is listened to. */
async function isBack(listener: Broker): Promise<boolean> {
  return await listener.connection.flush().then(
    () => listener.isConnected,
    () => false,
  );
}
