import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadSettings } from '#config/settings.ts';
import { registerConductor, touchConductor } from '#db/conductors.ts';
import { Ring } from '#db/ring.ts';
import { openTestStore } from '#db/testing/databases.ts';
import { type Clock, systemClock } from '#model/clock.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { NotDelivered } from '#protocol/rpc.ts';
import { InProcessTransport } from '#rpc/in-process.ts';
import { answering } from '#rpc/testing/carriers.ts';
import { Call } from './call.ts';
import type { ApiWorkings } from './parts.ts';
import { startApi } from './testing/api-under-test.ts';

const place = { uuid: '00000000-0000-4000-8000-000000000001', driver: 'redfish', conductor_group: '' };
const interfaces = [
  { hardware_type: 'redfish', interface_type: 'power', interface_name: 'redfish', is_default: true },
];
const log = { debug() {}, info() {}, warn() {}, error() {} };

/** A call of an API that knows one conductor, `c1`, which is not there. `meanwhile` happens in the first pause. */
async function aCallToOneThatLeft(meanwhile: (join: (hostname: string) => Promise<void>) => Promise<void>) {
  const store = await openTestStore();
  const { settings } = loadSettings();
  const join = async (hostname: string, online = true): Promise<void> =>
    await store.write(async (transaction) => {
      const conductor = { hostname, life: hostname, conductorGroup: '', interfaces };
      await registerConductor(transaction, conductor, systemClock);
      if (!online) await touchConductor(transaction, conductor, { online }, systemClock);
    });
  await join('c1');
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => systemClock.now(),
    async sleep(milliseconds, signal) {
      // The deadline of a call is a sleep too.
      if (signal) return await systemClock.sleep(milliseconds, signal);
      pauses.push(milliseconds);
      if (pauses.length > 1) return;
      await join('c1', false);
      await meanwhile(join);
    },
  };
  const conductors = new InProcessTransport({ settings, clock, log });
  const ring = new Ring(
    store.read,
    { partitionExponent: 5, algorithm: 'md5', resetIntervalSeconds: 3600, heartbeatTimeoutSeconds: 3600 },
    systemClock,
  );
  const call = new Call(
    { settings, store, ring, conductors, clock, log } as Partial<ApiWorkings> as ApiWorkings,
    {
      minor: 115,
      baseUrl: '',
      context: { requestId: 'req-1', userId: null },
      params: {},
      query: {},
      bodyText: '',
      check: () => {},
      hadJsonSuffix: false,
      acceptsEvents: false,
      lastEventId: null,
      projectId: null,
    },
  );
  return {
    call,
    conductors,
    pauses,
    join,
    [Symbol.asyncDispose]: async () => await store[Symbol.asyncDispose](),
  };
}

it('a call whose conductor left in this moment is made of the one that has the node by then', async () => {
  const handled: string[] = [];
  await using left = await aCallToOneThatLeft(async (join) => await join('c2'));
  await left.conductors.serve(
    { hostname: 'c2', hardwareTypes: [] },
    answering({
      async destroy_node({ node }) {
        handled.push(node);
      },
    }),
  );
  await left.call.conductorOf(place, 'destroy_node', { node: place.uuid });
  assert.deepEqual(handled, [place.uuid]);
  assert.equal(left.pauses.length, 1);
});

it('a call that finds nobody is given up within seconds', async () => {
  await using left = await aCallToOneThatLeft(async (join) => await join('c2'));
  await assert.rejects(left.call.conductorOf(place, 'destroy_node', { node: place.uuid }), NotDelivered);
  const waited = left.pauses.reduce((sum, pause) => sum + pause, 0);
  assert.ok(waited >= 1000 && waited <= 10_000, `waited ${waited} ms`);
});

it('a call that failed otherwise is not made again', async () => {
  let times = 0;
  await using left = await aCallToOneThatLeft(async () => {});
  await left.conductors.serve(
    { hostname: 'c1', hardwareTypes: [] },
    answering({
      async destroy_node() {
        times += 1;
        throw new TemporaryFailure('may or may not have been done');
      },
    }),
  );
  await assert.rejects(left.call.conductorOf(place, 'destroy_node', { node: place.uuid }), TemporaryFailure);
  assert.equal(times, 1);
});

it('an answer of 503 says when to ask again', async () => {
  await using api = await startApi({
    handlers: {
      async get_driver_properties() {
        throw new TemporaryFailure();
      },
    },
  });
  const reply = await api.request('GET', '/v1/drivers/fake-hardware/properties');
  assert.equal(reply.status, 503);
  assert.ok(Number(reply.headers.get('retry-after')) > 0);
  // As the client's session names it; it fails on the header.
  const stock = await api.request('GET', '/v1/drivers/fake-hardware/properties', {
    headers: { 'user-agent': 'python-ironicclient keystoneauth1/5.1.1' },
  });
  assert.deepEqual([stock.status, stock.headers.get('retry-after')], [503, null]);
  const found = await api.request('GET', '/v1/drivers/fake-hardware');
  assert.equal(found.headers.get('retry-after'), null);
});
