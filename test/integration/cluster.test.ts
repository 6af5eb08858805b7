// The service as processes of their own, over PostgreSQL and NATS: two APIs, three conductors, machines.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Cluster } from '#sim/cluster/cluster.ts';
import { BareMetalClient } from '../support/bare-metal-client.ts';
import { createMachine, type DataCentre, enrol, makeAvailable, openDataCentre } from '../support/data-centre.ts';
import { openCluster } from '../support/data-centre-cluster.ts';
import { holdsImage } from '../support/tiny-image.ts';

let centre: DataCentre;
let cluster: Cluster;
let first: BareMetalClient;
let second: BareMetalClient;

before(async () => {
  centre = await openDataCentre();
  cluster = await openCluster(centre);
  [first, second] = cluster.apis.map(({ url }) => new BareMetalClient(url)) as [BareMetalClient, BareMetalClient];
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await centre[Symbol.asyncDispose]();
});

describe('a cluster', () => {
  test('deploys a machine that one API enrolled and the other one shows', async () => {
    const machine = await createMachine(centre.sim);
    const uuid = await enrol(first, machine, centre);
    await makeAvailable(second, uuid);
    await first.provision(uuid, 'active');
    await second.untilState(uuid, 'active');
    assert.ok(await holdsImage(machine.disks[0]?.file ?? '', centre.image));
  });
});
