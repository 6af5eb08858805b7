// Whose work is whose, looked at anew: what the dead and the leaving left, and what the ring gives to another now.
import {
  adoptWaiting,
  type IdlyHeld,
  type OpenWork,
  readNodesHeldIdly,
  readOpenWork,
  releaseHeldIdly,
} from '#db/open-work.ts';
import type { NodePlace } from '#db/ring.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import type { Standing } from './membership.ts';
import type { Holding } from '../lock/nodes-in-hand.ts';
import type { ConductorWorkings } from '../workings.ts';

/** So many operations that ran are taken over at a time. */
const takenAtOnce = 64;

/** Of what is held under the conductor's own name: whether nobody is at it. */
type IsLeft = (held: Holding) => boolean;

/** What is known at one look. */
interface Look {
  readonly workings: ConductorWorkings;
  readonly standingOf: (hostname: string) => Standing;
  readonly hostOf: (node: NodePlace) => string | undefined;
}

/**
 * Ensures: an operation that waits is with the conductor that the ring names for its node; one that ran goes on from
 * its last committed step when its conductor is gone or has handed it over; a node that a conductor held when it died,
 * with nothing at work on it, is free. Not its business: nodes at rest, of which no row is read; what runs on a
 * conductor that lives or may live. Two that look at the same time do not hinder each other: each taking is conditional.
 */
export async function takeOver(
  workings: ConductorWorkings,
  context: RequestContext,
  isOwnLeft: IsLeft,
): Promise<void> {
  const { parts, membership } = workings;
  // Who is gone is looked up last: one that came back while the rows were read is not robbed.
  const open = await readOpenWork(parts.store.read);
  const held = await readNodesHeldIdly(parts.store.read);
  const look: Look = {
    workings,
    standingOf: await membership.standings(),
    hostOf: await parts.ring.finder(),
  };
  const [waiting, running] = [open.filter(isWaiting), open.filter((work) => !isWaiting(work))];
  await adopt(look, waiting);
  // First, for what goes on may need them: a step on child nodes held one of these.
  await release(look, held, isOwnLeft);
  const left = running.filter((work) => isLeft(look, work, isOwnLeft));
  await goOnWith(look, left, context);
}

const isWaiting = ({ state }: OpenWork): boolean => state === 'waiting';

/** What waits loses nothing by another owner, so the ring alone decides; but nothing is taken on mere silence. */
async function adopt({ workings, standingOf, hostOf }: Look, waiting: readonly OpenWork[]): Promise<void> {
  const { parts, operations } = workings;
  const { hostname, store, log } = parts;
  for (const work of waiting) if (work.owner === hostname) operations.expect(work);
  const others = waiting.filter(
    (work) => work.owner !== hostname && standingOf(work.owner) !== 'silent' && hostOf(work) === hostname,
  );
  for (const [from, works] of Map.groupBy(others, (work) => work.owner)) {
    const ids = works.map(({ id }) => id);
    const adopted = await store.write(
      async (transaction) => await adoptWaiting(transaction, ids, { from, owner: hostname }),
    );
    for (const work of works) if (adopted.has(work.id)) operations.expect(work);
    if (adopted.size > 0)
      log.info({ from, count: adopted.size }, 'waiting operations came to this conductor');
  }
}

function isLeft({ workings, standingOf, hostOf }: Look, work: OpenWork, isOwnLeft: IsLeft): boolean {
  const { hostname } = workings.parts;
  if (work.reservation === hostname) return isOwnLeft(work);
  if (work.reservation === null || hostOf(work) !== hostname) return false;
  return work.owner === '' || standingOf(work.reservation) === 'gone';
}

async function goOnWith(
  { workings }: Look,
  left: readonly OpenWork[],
  context: RequestContext,
): Promise<void> {
  const { parts, operations } = workings;
  for (let at = 0; at < left.length; at += takenAtOnce) {
    await Promise.all(
      left.slice(at, at + takenAtOnce).map(async (work) => {
        await operations.takeOver(work, context).catch((error: unknown) => {
          parts.log.warn(
            { node: work.uuid, operation: work.id, request: context.requestId, err: error },
            'could not take over an operation yet',
          );
        });
      }),
    );
  }
}

/**
 * A call that held a node when its conductor died left nothing to go on with. Any conductor frees it, whosever the node
 * is: a step on child nodes that is gone on with here may be in need of it at once.
 */
async function release(
  { workings, standingOf }: Look,
  held: readonly IdlyHeld[],
  isOwnLeft: IsLeft,
): Promise<void> {
  const { hostname, store, log } = workings.parts;
  const left = held.filter((node) =>
    node.reservation === hostname ? isOwnLeft(node) : standingOf(node.reservation) === 'gone',
  );
  for (const [from, nodes] of Map.groupBy(left, (node) => node.reservation)) {
    const count = await store.write(async (transaction) => await releaseHeldIdly(transaction, nodes));
    if (count > 0)
      log.info({ from, count }, 'gave back nodes that were reserved for calls when a conductor ended');
  }
}
