import { readConductors, touchConductor } from '#db/conductors.ts';
import { readNodesHeldIdly } from '#db/free-nodes.ts';
import { updateNode } from '#db/nodes.ts';
import type { Operations } from './operations.ts';
import { ownContext } from './own-context.ts';
import type { ConductorParts } from './parts.ts';

/**
 * Ensures: what an earlier life of this conductor began goes on, and what it only held is free. When: at the start,
 * before any new work is taken. Not its business: what a conductor that lives is at.
 */
export async function takeUpWhatWasLeft(parts: ConductorParts, operations: Operations): Promise<void> {
  const context = ownContext(parts.random);
  let resumed = 0;
  for (const hostname of await earlierSelves(parts)) {
    resumed += await operations.resume(hostname, context);
    await releaseLeftReservations(parts, hostname);
  }
  if (resumed > 0) parts.log.info({ resumed }, 'took up the operations that an earlier run left');
}

/** The host names whose work is this conductor's to take up: its own, and those it had before, which are gone now. */
async function earlierSelves(parts: ConductorParts): Promise<string[]> {
  if (!parts.isAlone) return [parts.hostname];
  const known = await readConductors(parts.store.read);
  const others = known.map((one) => one.hostname).filter((hostname) => hostname !== parts.hostname);
  await parts.store.write(async (transaction) => {
    for (const hostname of others)
      await touchConductor(transaction, hostname, { online: false }, parts.clock);
  });
  parts.ring.invalidate();
  return [parts.hostname, ...others];
}

/** A call that held a node when the process died left nothing to go on with. */
async function releaseLeftReservations(parts: ConductorParts, hostname: string): Promise<void> {
  for (const uuid of await readNodesHeldIdly(parts.store.read, hostname)) {
    await parts.store.write(
      async (transaction) => await updateNode(transaction, uuid, { reservation: null }),
    );
    parts.log.info({ node: uuid }, 'gave back a node that an earlier run had reserved for a call');
  }
}
