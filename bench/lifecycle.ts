// Many nodes through the same change at once: asked for, then watched until the last one is there.
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from './bench-error.ts';
import { type Client, unexpected } from './client.ts';
import { repeatTimes, type Work } from './measure.ts';

interface WatchedNode {
  uuid: string;
  provision_state: string;
  target_provision_state: string | null;
  power_state: string | null;
  target_power_state: string | null;
  last_error: string | null;
}

/** One change of a node's life. */
export interface Change {
  readonly phase: string;
  readonly resource: 'provision' | 'power';
  readonly target: string;
  readonly isThere: (node: WatchedNode) => boolean;
}

/** In the order of a node's life. */
export const changes: readonly Change[] = [
  provision('manage', 'manage', 'manageable'),
  provision('provide', 'provide', 'available'),
  provision('deploy', 'active', 'active'),
  provision('undeploy', 'deleted', 'available'),
  power('power on'),
  power('power off'),
];

function provision(phase: string, target: string, state: string): Change {
  return { phase, resource: 'provision', target, isThere: (node) => node.provision_state === state };
}

function power(target: string): Change {
  const isThere = (node: WatchedNode) => node.power_state === target && node.target_power_state === null;
  return { phase: target, resource: 'power', target, isThere };
}

const pollMilliseconds = 250;
const waitLimitMilliseconds = 600_000;
/** Requests are sent this many at a time; all the nodes change at once. */
const senders = 8;
const sendAttempts = 20;

/** Asks for the change on every node and resolves when the last has made it. Throws BenchError when one fails. */
export async function changeAll(
  client: Client,
  uuids: readonly string[],
  resourceClass: string,
  change: Change,
): Promise<Work> {
  let retries = 0;
  await repeatTimes(uuids.length, senders, async (index) => {
    const path = `/v1/nodes/${uuids[index]}/states/${change.resource}`;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await client.send('PUT', path, { target: change.target });
      if (answer.status === 202) return;
      // Held by something else, or the conductor is full: an ordinary client comes again.
      if ((answer.status !== 409 && answer.status !== 503) || attempt === sendAttempts)
        throw unexpected('PUT', path, answer);
      retries += 1;
      await sleep(pollMilliseconds);
    }
  });
  await untilAllAreThere(client, new Set(uuids), resourceClass, change);
  return { operations: uuids.length, latencies: [], retries };
}

async function untilAllAreThere(
  client: Client,
  uuids: ReadonlySet<string>,
  resourceClass: string,
  change: Change,
): Promise<void> {
  const end = performance.now() + waitLimitMilliseconds;
  const fields = 'uuid,provision_state,target_provision_state,power_state,target_power_state,last_error';
  const path = `/v1/nodes?resource_class=${resourceClass}&fields=${fields}&limit=1000`;
  for (;;) {
    const asked = performance.now();
    // The list's form is the API's own; a missing member reads as a node that is not there yet.
    const { nodes } = (await client.json('GET', path, 200)) as { nodes: WatchedNode[] };
    const missing = nodes.filter((node) => uuids.has(node.uuid) && !change.isThere(node));
    if (missing.length === 0) return;
    const failed = missing.find((node) => node.last_error !== null && node.target_power_state === null);
    if (failed && (isAtRest(failed) || change.resource === 'power'))
      throw new BenchError(`${change.phase} of node ${failed.uuid} failed: ${failed.last_error}`);
    if (asked > end)
      throw new BenchError(
        `${missing.length} nodes did not come through '${change.phase}' in ${waitLimitMilliseconds / 1000} s; ` +
          `one is ${missing[0]?.uuid} in '${missing[0]?.provision_state}'.`,
      );
    await sleep(Math.max(0, pollMilliseconds - (performance.now() - asked)));
  }
}

function isAtRest(node: WatchedNode): boolean {
  return node.target_provision_state === null || node.provision_state.endsWith('failed');
}
