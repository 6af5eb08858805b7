import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { createInbox, headers } from '@nats-io/transport-node';
import { ConfigError } from '#config/config-error.ts';
import { loadSettings } from '#config/settings.ts';
import { systemClock } from '#model/clock.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { NotDelivered, rpcVersion } from '#protocol/rpc.ts';
import { type Nats, startNats } from '#sim/cluster/nats.ts';
import { selfSignedCertificate } from '#sim/self-signed.ts';
import { type Broker, connectBroker } from './broker.ts';
import { BrokerAway, BrokerRefused } from './broker-errors.ts';
import { NatsTransport } from './nats-transport.ts';
import { answering, overNats } from './testing/carriers.ts';

const context = { requestId: 'req-1', userId: null };
const conductor = { hostname: 'c1', hardwareTypes: ['redfish'] };
const node = 'a-node';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

describe('a broker', () => {
  let nats: Nats;
  before(async () => {
    nats = await startNats();
  });
  after(async () => await nats.stop());
  afterEach(async () => {
    if (nats.pid() === undefined) await nats.restart();
  });

  it('that goes away ends the calls under way, and the next is surely not delivered', async () => {
    await using carrier = await overNats(nats);
    const reached = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    await carrier.server.serve(
      conductor,
      answering({
        async destroy_node() {
          reached.resolve();
          await done.promise;
        },
      }),
    );
    const underWay = carrier.client.call('c1', 'destroy_node', { node }, context);
    await reached.promise;
    await Promise.all([
      assert.rejects(
        underWay,
        (error) =>
          error instanceof TemporaryFailure &&
          !(error instanceof NotDelivered) &&
          /may or may not have been accepted/.test(error.message),
      ),
      nats.stop(),
    ]);
    assert.equal(carrier.brokers[0].isConnected, false);
    for (let times = 0; times < 5; times += 1)
      await assert.rejects(carrier.client.call('c1', 'destroy_node', { node }, context), NotDelivered);
    done.resolve();
  });

  it('that comes back has the conductors it had, and its absence was logged once', async () => {
    await using carrier = await overNats(nats);
    await carrier.server.serve(conductor, answering({ destroy_node: async () => {} }));
    await nats.restart();
    await until(async () => await carrier.client.call('c1', 'destroy_node', { node }, context));
    for (const broker of carrier.brokers) assert.ok(broker.isConnected);
    const lines = carrier.logged.filter(({ message }) => /connection with the broker/.test(message));
    // Of two connections.
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 2);
    assert.equal(lines.filter(({ level }) => level === 'info').length, 2);
  });

  it('lets a conductor begin and end while it is away', async () => {
    await using carrier = await overNats(nats);
    await nats.stop();
    await until(async () => assert.equal(carrier.brokers[1].isConnected, false));
    const gone = await carrier.server.serve(
      { hostname: 'gone', hardwareTypes: [] },
      answering({ destroy_node: async () => {} }),
    );
    await gone.stop();
    await carrier.server.serve(conductor, answering({ destroy_node: async () => {} }));
    await nats.restart();
    await until(async () => await carrier.client.call('c1', 'destroy_node', { node }, context));
    await assert.rejects(carrier.client.call('gone', 'destroy_node', { node }, context), NotDelivered);
  });

  it('that goes away while a process leaves it fails nobody', async () => {
    const { settings } = loadSettings(undefined, { ingot: { broker_url: nats.url } });
    const broker = await connectBroker(settings, silent);
    nats.pause();
    const left = broker[Symbol.asyncDispose]();
    await Promise.all([left, nats.stop()]);
    assert.ok(broker.connection.isClosed());
  });

  it('is shared by services with prefixes of their own', async () => {
    await using one = await overNats(nats);
    await using other = await overNats(nats);
    await one.server.serve(conductor, answering({ destroy_node: async () => {} }));
    await assert.rejects(other.client.call('c1', 'destroy_node', { node }, context), NotDelivered);
  });

  const raw = async (
    { connection, subjects }: Broker,
    members: { version?: number; call?: string; deadline?: number; body?: string },
  ): Promise<{ kind: string; fault?: { name: string; message: string } }> => {
    const described = headers();
    described.set('Ingot-Version', String(members.version ?? rpcVersion));
    described.set('Ingot-Call', members.call ?? 'destroy_node');
    described.set('Ingot-Deadline', String(members.deadline ?? systemClock.now() + 60_000));
    const body = members.body ?? JSON.stringify({ args: { node }, context });
    const reply = await connection.request(subjects.conductor('c1'), body, {
      headers: described,
      timeout: 60_000,
    });
    return reply.json();
  };

  for (const [what, members, name, words] of [
    ['of another version', { version: rpcVersion + 1 }, 'TemporaryFailure', /speaks version 1 .* version 2/],
    ['of no version', { version: Number.NaN }, 'TemporaryFailure', /speaks version/],
    ['after its deadline', { deadline: systemClock.now() - 1 }, 'TemporaryFailure', /was not done/],
    ['without a deadline', { deadline: Number.NaN }, 'TemporaryFailure', /was not done/],
    ['that is no JSON', { body: 'junk{' }, 'Invalid', /no call/],
    ['without arguments', { body: '{"context":{"requestId":"r"}}' }, 'Invalid', /no call/],
    ['without a context', { body: '{"args":{}}' }, 'Invalid', /no call/],
  ] as const)
    it(`brings a conductor a call ${what}: it is refused and not done`, async () => {
      await using carrier = await overNats(nats);
      let isDone = false;
      await carrier.server.serve(
        conductor,
        answering({
          async destroy_node() {
            isDone = true;
          },
        }),
      );
      const { kind, fault } = await raw(carrier.brokers[0], members);
      assert.deepEqual([kind, fault?.name], ['fault', name]);
      assert.match(fault?.message ?? '', words);
      assert.equal(isDone, false);
      assert.deepEqual(await raw(carrier.brokers[0], {}), { kind: 'result' });
      assert.equal(isDone, true);
    });

  it('may bring an answer that is none', async () => {
    await using carrier = await overNats(nats);
    const [api, other] = carrier.brokers;
    let answer = 'junk';
    other.connection.subscribe(other.subjects.conductor('c1'), {
      callback: (_error, message) => void message.respond(answer),
    });
    await other.connection.flush();
    const client = new NatsTransport({
      broker: api,
      settings: carrier.settings,
      clock: systemClock,
      log: silent,
    });
    const faultOf = (status: unknown): string =>
      JSON.stringify({ kind: 'fault', fault: { name: 'X', status, message: 'no', fields: {} } });
    const halves = ['junk', '{}', 'null', '{"kind":"fault"}', '{"kind":"fault","fault":{"name":"X"}}'];
    for (answer of [...halves, ...[99, 200, 404.5, 1000].map(faultOf)])
      await assert.rejects(
        client.call('c1', 'destroy_node', { node }, context),
        /What the conductor answered cannot be read/,
      );
  });

  /** What a client makes of an answer that is to be fetched, and what it asked for meanwhile. */
  const fetching = async (
    parts: string,
    partsAt: (broker: Broker) => string,
  ): Promise<{ error: unknown; asked: number }> => {
    await using carrier = await overNats(nats, { DEFAULT: { rpc_response_timeout: 5 } });
    const [, other] = carrier.brokers;
    let asked = 0;
    const at = partsAt(other);
    other.connection.subscribe(at, {
      callback: (_error, message) => {
        asked += 1;
        message.respond('');
      },
    });
    other.connection.subscribe(other.subjects.conductor('c1'), {
      callback: (_error, message) => {
        const described = headers();
        described.set('Ingot-Parts', parts);
        described.set('Ingot-Parts-At', at);
        message.respond('', { headers: described });
      },
    });
    await other.connection.flush();
    const error: unknown = await carrier.client
      .call('c1', 'destroy_node', { node }, context)
      .then(() => undefined)
      .catch((reason: unknown) => reason);
    return { error, asked };
  };

  it('may bring an answer in parts that are nothing, without end: no more than one is asked for', async () => {
    const inbox = ({ subjects }: Broker): string => createInbox(subjects.inbox);
    const { error, asked } = await fetching('50', inbox);
    assert.match(String(error), /part is empty/);
    assert.equal(asked, 1);
    for (const parts of ['Infinity', '1e9', '-1', '1.5', '0', 'many']) {
      const refused = await fetching(parts, inbox);
      assert.match(String(refused.error), /no number of parts/, parts);
      assert.equal(refused.asked, 0, parts);
    }
  });

  it('may bring an answer whose parts are said to be with somebody else, who is not asked', async () => {
    for (const partsAt of [
      ({ subjects }: Broker) => subjects.conductor('c2'),
      ({ subjects }: Broker) => subjects.inbox,
      () => 'others.service',
    ]) {
      const { error, asked } = await fetching('1', partsAt);
      assert.match(String(error), /are not at an inbox/);
      assert.equal(asked, 0);
    }
  });

  it('may bring a call that is never over: its answer is kept no longer than one is waited for', async () => {
    await using carrier = await overNats(nats, {
      DEFAULT: { rpc_response_timeout: 0.2 },
      ingot: { rpc_served_at_once: 1 },
    });
    const large = randomBytes(3 * 2 ** 20).toString('hex');
    await carrier.server.serve(
      conductor,
      answering({
        destroy_node: async () => {
          // As an answer that does not fit into one message.
          throw new TemporaryFailure(large);
        },
      }),
    );
    const [api] = carrier.brokers;
    const described = headers();
    described.set('Ingot-Version', String(rpcVersion));
    described.set('Ingot-Call', 'destroy_node');
    described.set('Ingot-Deadline', 'Infinity');
    const body = JSON.stringify({ args: { node }, context });
    const options = { headers: described, timeout: 60_000 };
    const answer = await api.connection.request(api.subjects.conductor('c1'), body, options);
    assert.notEqual(answer.headers?.get('Ingot-Parts') ?? '', '');
    // The one place is taken until nobody may be waiting for those parts any more.
    await until(async () => {
      const next = await api.connection.request(api.subjects.conductor('c1'), body, options);
      assert.notEqual(next.headers?.get('Ingot-Parts') ?? '', '');
    });
  });

  it('is waited for no longer than it takes to say that it is not there', async () => {
    await nats.stop();
    const { settings } = loadSettings(undefined, { ingot: { broker_url: nats.url } });
    await assert.rejects(connectBroker(settings, silent), BrokerAway);
  });
});

it('a broker with tls:// is verified by the CA that is given, and by no other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-nats-'));
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const made = selfSignedCertificate({ address: '127.0.0.1', now: Date.now() });
  await chmod(folder, 0o755);
  await writeFile(tls.cert, made.cert, { mode: 0o644 });
  await writeFile(tls.key, made.key, { mode: 0o644 });
  const nats = await startNats({ tls });
  try {
    const settingsWith = (broker_ca_file: string | null) =>
      loadSettings(undefined, { ingot: { broker_url: nats.url, broker_ca_file } }).settings;
    await using broker = await connectBroker(settingsWith(tls.cert), silent);
    await broker.connection.flush();
    await assert.rejects(connectBroker(settingsWith(null), silent), /self-signed certificate/);
  } finally {
    await nats.stop();
    await rm(folder, { recursive: true });
  }
});

describe('who signs in at a broker', () => {
  for (const [what, options, wrong] of [
    ['user and password', { user: 'ing@t', password: 'hunter/2' }, 'ingot:hunter3@'],
    ['a token', { token: 'hunter:2' }, 'hunter3@'],
  ] as const)
    it(`with ${what} is let in, with others or none not, and no message tells them`, async () => {
      const nats = await startNats(options);
      try {
        const settingsWith = (broker_url: string) =>
          loadSettings(undefined, { ingot: { broker_url } }).settings;
        await using broker = await connectBroker(settingsWith(nats.url), silent);
        await broker.connection.flush();
        for (const signIn of [wrong, ''])
          await assert.rejects(
            connectBroker(settingsWith(`nats://${signIn}127.0.0.1:${nats.port}`), silent),
            (error) => error instanceof BrokerRefused && !error.message.includes('hunter'),
          );
      } finally {
        await nats.stop();
      }
    });

  for (const url of ['', 'hunter2', 'http://hunter2@host', 'nats://', 'nats://a,tls://hunter2@b'])
    it(`gives a URL that is none, '${url}', and is told so without its secret`, async () => {
      const { settings } = loadSettings(undefined, { ingot: { broker_url: url } });
      await assert.rejects(
        connectBroker(settings, silent),
        (error) => error instanceof ConfigError && !error.message.includes('hunter2'),
      );
    });

  it('gives a prefix that is no word and is told so', async () => {
    const { settings } = loadSettings(undefined, {
      ingot: { broker_url: 'nats://127.0.0.1:1', broker_prefix: 'a.>' },
    });
    await assert.rejects(connectBroker(settings, silent), ConfigError);
  });
});

/** Tries until it works; what it waits for comes of itself. */
async function until(attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await attempt();
      return;
    } catch {
      await delay(20);
    }
  }
}
