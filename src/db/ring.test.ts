import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HashRing } from '#model/hash-ring.ts';
import { NoValidHost, TemporaryFailure } from '#model/faults.ts';
import { registerConductor, touchConductor } from './conductors.ts';
import { Ring } from './ring.ts';
import type { Reader, Store } from './store.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';
import { testOnEach } from './testing/databases.ts';

const settings = {
  partitionExponent: 5,
  algorithm: 'md5',
  resetIntervalSeconds: 15,
  heartbeatTimeoutSeconds: 60,
};
const nodes = Array.from(
  { length: 3000 },
  (_, index) => `00000000-0000-4000-8000-${index.toString().padStart(12, '0')}`,
);
const hosts = ['conductor-1', 'conductor-2', 'conductor-3'];

function ringOf(names: readonly string[]): HashRing {
  return new HashRing(names, settings);
}

test('nodes go to the same hosts as on a ring of tooz', () => {
  // Computed by tooz's rule (hashring.py: one digest per host, updated with its name once more per partition).
  const keys = [
    '1be26c0b-03f2-4d2e-ae87-c02d7f33c123',
    '6a1f3b44-3f6e-4f0e-9d0f-1f0a1d1c0001',
    'ffffffff-ffff-4fff-8fff-ffffffffffff',
    ...nodes.slice(1, 6),
  ];
  const expected = {
    md5: [1, 2, 1, 1, 2, 1, 3, 2],
    sha256: [2, 1, 2, 1, 1, 1, 3, 1],
  };
  const md5 = new HashRing(hosts, { partitionExponent: 5, algorithm: 'md5' });
  const sha256 = new HashRing(hosts, { partitionExponent: 3, algorithm: 'sha256' });
  assert.deepEqual(
    keys.map((key) => md5.hostOf(key)),
    expected.md5.map((number) => `conductor-${number}`),
  );
  assert.deepEqual(
    keys.map((key) => sha256.hostOf(key)),
    expected.sha256.map((number) => `conductor-${number}`),
  );
});

test('each of three hosts has its share of the nodes', () => {
  const ring = ringOf(hosts);
  const counts = Map.groupBy(nodes, (node) => ring.hostOf(node));
  for (const host of hosts) {
    const share = (counts.get(host)?.length ?? 0) / nodes.length;
    assert.ok(share > 0.15 && share < 0.55, `${host} has ${share}`);
  }
});

test('a host that joins takes from the others and moves nothing between them', () => {
  const before = ringOf(hosts);
  const after = ringOf([...hosts, 'conductor-4']);
  const moved = nodes.filter((node) => before.hostOf(node) !== after.hostOf(node));
  for (const node of moved) assert.equal(after.hostOf(node), 'conductor-4');
  assert.ok(moved.length > 0 && moved.length < nodes.length / 2);
});

test('the order of the hosts does not matter, and an empty ring has none', () => {
  const ring = ringOf(hosts);
  const other = ringOf(hosts.toReversed());
  for (const node of nodes.slice(0, 100)) assert.equal(ring.hostOf(node), other.hostOf(node));
  assert.equal(ringOf([]).hostOf('any'), undefined);
});

const one = { hostname: 'one', life: 'one' };

/** A clock that a test sets. */
function clockAt(start: number) {
  return { time: start, now: () => clock.time, sleep: async () => {} };
}
const clock = clockAt(Date.parse('2026-01-01T00:00:00Z'));

async function register(
  store: Store,
  hostname: string,
  drivers: string[],
  conductorGroup = '',
): Promise<void> {
  const interfaces = drivers.map((hardware_type) => ({
    hardware_type,
    interface_type: 'power',
    interface_name: 'fake',
    is_default: true,
  }));
  await store.write(
    async (transaction) =>
      await registerConductor(transaction, { hostname, life: hostname, conductorGroup, interfaces }, clock),
  );
}

testOnEach(
  'a node belongs to a live conductor of its group that has its hardware type',
  async (openStore) => {
    await using store = await openStore();
    const ring = new Ring(store.read, settings, clock);
    const place = { uuid: nodes[0] ?? '', driver: 'redfish', conductor_group: '' };
    await assert.rejects(ring.hostFor(place), TemporaryFailure);
    await register(store, 'one', ['redfish']);
    await register(store, 'two', ['ipmi']);
    await register(store, 'three', ['redfish'], 'rack-3');
    assert.equal(await ring.hostFor(place), 'one');
    assert.equal(await ring.hostFor({ ...place, driver: 'ipmi' }), 'two');
    assert.equal(await ring.hostFor({ ...place, conductor_group: 'rack-3' }), 'three');
    await assert.rejects(ring.hostFor({ ...place, driver: 'ipmi', conductor_group: 'rack-3' }), NoValidHost);
    assert.deepEqual(await ring.hostsWith('redfish'), ['one', 'three']);
  },
);

testOnEach(
  'a conductor that said goodbye, or was not heard of for too long, has no nodes',
  async (openStore) => {
    await using store = await openStore();
    const ring = new Ring(store.read, settings, clock);
    const place = { uuid: nodes[0] ?? '', driver: 'redfish', conductor_group: '' };
    await register(store, 'one', ['redfish']);
    assert.equal(await ring.findHost(place), 'one');
    clock.time += 61_000;
    assert.equal(await ring.findHost(place), undefined);
    await store.write(async (transaction) => await touchConductor(transaction, one, {}, clock));
    ring.invalidate();
    assert.equal(await ring.findHost(place), 'one');
    await store.write(
      async (transaction) => await touchConductor(transaction, one, { online: false }, clock),
    );
    assert.equal(await ring.findHost(place), 'one', 'what was read is used until the interval is over');
    clock.time += 16_000;
    assert.equal(await ring.findHost(place), undefined);
  },
);

testOnEach('a conductor that falls silent has no nodes from when its time is over', async (openStore) => {
  await using store = await openStore();
  const ring = new Ring(store.read, settings, clock);
  const place = { uuid: nodes[0] ?? '', driver: 'redfish', conductor_group: '' };
  await register(store, 'one', ['redfish']);
  clock.time += 55_000;
  assert.equal(await ring.findHost(place), 'one', 'read now, and by the interval good for 15 s');
  clock.time += 5_001;
  assert.equal(await ring.findHost(place), undefined);
});

testOnEach('what changed while the conductors were being read is read once more', async (openStore) => {
  await using store = await openStore();
  let reads = 0;
  const counting: Reader = Object.create(store.read, {
    selectFrom: {
      value: (table: 'conductors') => {
        reads += 1;
        return store.read.selectFrom(table);
      },
    },
  });
  const ring = new Ring(counting, settings, clock);
  const place = { uuid: nodes[0] ?? '', driver: 'redfish', conductor_group: '' };
  const asked = Promise.all([ring.findHost(place), ring.findHost(place)]);
  ring.invalidate();
  await asked;
  assert.equal(reads, 2);
  await ring.findHost(place);
  assert.equal(reads, 2);
});

testOnEach('a signal that conductors changed is heard until the ring follows no more', async (openStore) => {
  await using store = await openStore();
  const signals = new InProcessSignals();
  const ring = new Ring(store.read, settings, clock);
  const unfollow = ring.follow(signals);
  const place = { uuid: nodes[0] ?? '', driver: 'redfish', conductor_group: '' };
  assert.equal(await ring.findHost(place), undefined);
  await register(store, 'one', ['redfish']);
  assert.equal(await ring.findHost(place), undefined);
  signals.tell('conductors.changed', { hostname: 'one', online: true });
  await Promise.resolve();
  assert.equal(await ring.findHost(place), 'one');
  unfollow();
  await store.write(async (transaction) => await touchConductor(transaction, one, { online: false }, clock));
  signals.tell('conductors.changed', { hostname: 'one', online: false });
  await Promise.resolve();
  assert.equal(await ring.findHost(place), 'one');
});
