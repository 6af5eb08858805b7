// The broker is away for a while and the database is restarted while machines are deployed: all end well, the API says
// 503 and when to come back meanwhile and nothing that is wrong, and no process keeps more than it needs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BareMetalClient, Refused } from '../support/bare-metal-client.ts';
import { openCluster } from '../support/data-centre-cluster.ts';
import { openDataCentre } from '../support/data-centre.ts';
import { anAvailableFleet, assertFleetDeployed, isLong, stillDeploying } from '../support/fleet.ts';
import { until } from '../support/until.ts';

const deployments = isLong ? 50 : 10;
const brokerAwaySeconds = isLong ? 30 : 5;
const mebibyte = 1024 ** 2;

/** What may become of an answer: what is so, or 503 with a time to come back. */
async function allowed<T>(request: () => Promise<T>): Promise<T | 'turned away'> {
  try {
    return await request();
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    assert.equal(error.status, 503, error.message);
    assert.ok((error.retryAfterSeconds ?? 0) > 0, 'it says when to come back');
    return 'turned away';
  }
}

/** Asks both ways until the time is over: what needs no conductor, and what one does. Gives who was turned away. */
async function watch(
  client: BareMetalClient,
  uuid: string,
  isOver: () => boolean,
): Promise<{ reads: number; writes: number }> {
  const turnedAway = { reads: 0, writes: 0 };
  let count = 0;
  while (!isOver()) {
    // Set by an answer that was given is seen from then on; by one that was not, it may be.
    if ((await allowed(async () => await client.patch(uuid, { 'extra/count': count + 1 }))) === 'turned away')
      turnedAway.writes += 1;
    else count += 1;
    type Extra = { extra: { count?: number } };
    const seen = await allowed(async () => await client.send<Extra>('GET', `/v1/nodes/${uuid}?fields=extra`));
    if (seen === 'turned away') turnedAway.reads += 1;
    else assert.ok(between(seen.extra.count ?? 0, count, count + 1), `${seen.extra.count} after ${count}`);
    await delay(50);
  }
  return turnedAway;
}

function between(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

/** In MiB, of the processes together. */
async function residentMemory(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test(`${deployments} deployments end well though the broker is away and the database restarted`, async (context) => {
  await using centre = await openDataCentre({ imageBytes: 4 * mebibyte });
  await using cluster = await openCluster(centre, {
    configuration: { conductor: { heartbeat_timeout: 10 }, DEFAULT: { rpc_response_timeout: 5 } },
  });
  const client = new BareMetalClient(cluster.url);
  const fleet = await anAvailableFleet(centre, client, deployments);
  const asked = await client.createNode({ driver: 'fake-hardware' });
  // So that deployments are under way at either time.
  centre.images.setFault('/disk.img', { kind: 'slow', bytes_per_second: mebibyte / 8 });
  for (const { uuid } of fleet) await client.provision(uuid, 'active');
  const pids = [...cluster.apis, ...cluster.conductors].map(({ pid }) => pid);
  const before = await residentMemory(pids);

  context.diagnostic(
    `NATS is stopped for ${brokerAwaySeconds} s while ${await stillDeploying(client)} are deployed`,
  );
  const end = performance.now() + brokerAwaySeconds * 1000;
  await cluster.nats.stop();
  const withoutBroker = await watch(client, asked, () => performance.now() > end);
  await cluster.nats.restart();
  assert.ok(withoutBroker.writes > 0, 'what needs a conductor was turned away');
  assert.equal(withoutBroker.reads, 0, 'what needs none was answered');
  await until(
    async () => await allowed(async () => await client.patch(asked, { 'extra/other': 1 })),
    (answer) => answer !== 'turned away',
  );

  const left = await stillDeploying(client);
  context.diagnostic(`PostgreSQL is restarted while ${left} are deployed`);
  assert.ok(left > 0, 'deployments are under way');
  await client.patch(asked, { 'extra/count': 0 });
  let isBack = false;
  const restarting = cluster.postgres.restart().then(() => (isBack = true));
  const withoutDatabase = await watch(client, asked, () => isBack);
  await restarting;
  context.diagnostic(`turned away meanwhile: ${JSON.stringify({ withoutBroker, withoutDatabase })}`);

  centre.images.clearFault('/disk.img');
  await until(
    async () => await allowed(async () => await stillDeploying(client)),
    (answer) => answer !== 'turned away',
  );
  await assertFleetDeployed(centre, client, fleet);
  for (const each of [...cluster.apis, ...cluster.conductors]) assert.ok(each.isAlive, each.host);
  const after = await residentMemory(pids);
  context.diagnostic(
    `memory of the ${pids.length} processes: ${before.toFixed(0)} MiB, then ${after.toFixed(0)} MiB`,
  );
  assert.ok(after < before * 1.5, 'memory is flat');
});
