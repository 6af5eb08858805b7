// Every process is restarted, one at a time, while machines are deployed and clients ask: nobody notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BareMetalClient, Refused } from '../support/bare-metal-client.ts';
import { openCluster } from '../support/data-centre-cluster.ts';
import { openDataCentre } from '../support/data-centre.ts';
import { EventFollower } from '../support/event-follower.ts';
import { anAvailableFleet, assertFleetDeployed, isLong, stillDeploying } from '../support/fleet.ts';
import { until } from '../support/until.ts';

const deployments = isLong ? 50 : 12;
const mebibyte = 1024 ** 2;

/** Asks the API again and again, for something to read and for something that a conductor does. */
class Poller implements AsyncDisposable {
  answered = 0;
  /** With 503 and a time to come back. */
  turnedAway = 0;
  readonly failures: unknown[] = [];
  readonly #client: BareMetalClient;
  readonly #uuid: string;
  readonly #ending = new AbortController();
  readonly #polling: Promise<void>;

  constructor(client: BareMetalClient, uuid: string) {
    this.#client = client;
    this.#uuid = uuid;
    this.#polling = this.#poll();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#ending;
    for (let count = 0; !signal.aborted; count += 1) {
      await this.#ask(async () => await this.#client.node(this.#uuid));
      await this.#ask(async () => await this.#client.patch(this.#uuid, { 'extra/count': count }));
      await delay(50, undefined, { signal }).catch(() => {});
    }
  }

  async #ask(request: () => Promise<unknown>): Promise<void> {
    try {
      await request();
      this.answered += 1;
    } catch (error) {
      if (error instanceof Refused && error.status === 503 && error.retryAfterSeconds !== null)
        this.turnedAway += 1;
      else this.failures.push(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#polling;
  }
}

test(`${deployments} deployments and those who ask do not notice that every process is restarted`, async (context) => {
  await using centre = await openDataCentre({ imageBytes: 4 * mebibyte });
  await using cluster = await openCluster(centre);
  const client = new BareMetalClient(cluster.url);
  const fleet = await anAvailableFleet(centre, client, deployments);
  const asked = await client.createNode({ driver: 'fake-hardware' });
  await using follower = new EventFollower(cluster.url);
  // So that deployments are under way at every restart.
  centre.images.setFault('/disk.img', { kind: 'slow', bytes_per_second: mebibyte / 4 });
  for (const { uuid } of fleet) await client.provision(uuid, 'active');

  {
    await using poller = new Poller(client, asked);
    for (const each of [...cluster.apis, ...cluster.conductors]) {
      const left = await stillDeploying(client);
      context.diagnostic(`restarting ${each.host} while ${left} are being deployed`);
      assert.ok(left > 0, 'it is restarted while machines are being deployed');
      const before = poller.answered;
      await each.restart();
      await until(
        () => poller.answered,
        (answered) => answered > before,
      );
    }
    centre.images.clearFault('/disk.img');
    await assertFleetDeployed(centre, client, fleet);
    context.diagnostic(`${poller.answered} requests answered, ${poller.turnedAway} turned away with 503`);
    assert.deepEqual(poller.failures, []);
  }

  const all = await everyCursor(client);
  await until(
    () => follower.cursors.length,
    (count) => count >= all.length,
  );
  assert.deepEqual(follower.cursors, all, 'each event came once, in order');
  assert.ok(follower.reconnections >= 1, 'it had to come back');
});

/** Of all events there are, as the list has them. */
async function everyCursor(client: BareMetalClient): Promise<string[]> {
  type Page = { events: { cursor: string }[]; next: string };
  const cursors: string[] = [];
  for (let after = '0'; ;) {
    const page = await client.send<Page>('GET', `/ingot/v1/events?after=${after}`);
    if (page.events.length === 0) return cursors;
    cursors.push(...page.events.map(({ cursor }) => cursor));
    after = page.next;
  }
}
