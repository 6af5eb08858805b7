import type { NodeRecord } from '#model/node-record.ts';
import { columnsToWrite, type NodeColumns, nodeOfRow } from './nodes.ts';
import type { Transaction } from './store.ts';

/**
 * A taken node: the conductor that holds it and the epoch of this taking. Every write under the lock carries
 * both, so a conductor that was thought dead and wakes up changes nothing.
 */
export interface NodeLock {
  readonly uuid: string;
  readonly holder: string;
  readonly epoch: number;
}

/** The lock is no longer this one's: the node was taken over, released by force, or deleted. */
export class NodeLockLost extends Error {
  readonly lock: NodeLock;
  constructor(lock: NodeLock) {
    super(
      `Node ${lock.uuid} is no longer held by ${lock.holder} (epoch ${lock.epoch}): it was taken over or deleted`,
    );
    this.name = 'NodeLockLost';
    this.lock = lock;
  }
}

/**
 * Takes the node for `holder` by one conditional update, with `changes` in the same write. Gives the lock and
 * the node as it then is, or undefined when somebody holds it or it is gone.
 */
export async function takeNode(
  transaction: Transaction,
  uuid: string,
  holder: string,
  changes: NodeColumns = {},
): Promise<{ lock: NodeLock; node: NodeRecord } | undefined> {
  const row = await transaction
    .updateTable('nodes')
    .set({ ...(await columnsToWrite(transaction, uuid, changes)), reservation: holder })
    .set((columns) => ({ reservation_epoch: columns('reservation_epoch', '+', 1) }))
    .where('uuid', '=', uuid)
    .where('reservation', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (!row) return undefined;
  return { lock: { uuid, holder, epoch: row.reservation_epoch }, node: nodeOfRow(row) };
}

/**
 * Takes the node from a holder that is dead (or was this host before it restarted). From here on what the
 * old holder writes is refused. Gives undefined when it is not held as it was seen: the holder may have come back and
 * taken it anew.
 */
export async function takeNodeOver(
  transaction: Transaction,
  from: NodeLock,
  holder: string,
): Promise<{ lock: NodeLock; node: NodeRecord } | undefined> {
  const { uuid } = from;
  const row = await transaction
    .updateTable('nodes')
    .set({ reservation: holder })
    .set((columns) => ({ reservation_epoch: columns('reservation_epoch', '+', 1) }))
    .where('uuid', '=', uuid)
    .where('reservation', '=', from.holder)
    .where('reservation_epoch', '=', from.epoch)
    .returningAll()
    .executeTakeFirst();
  if (!row) return undefined;
  return { lock: { uuid, holder, epoch: row.reservation_epoch }, node: nodeOfRow(row) };
}

/** Writes to a held node. Throws NodeLockLost, which undoes the transaction, when it is not held by this lock. */
export async function writeLocked(
  transaction: Transaction,
  lock: NodeLock,
  changes: NodeColumns,
): Promise<NodeRecord> {
  const columns = await columnsToWrite(transaction, lock.uuid, changes);
  const row = await transaction
    .updateTable('nodes')
    // An empty write still proves the lock.
    .set(Object.keys(columns).length > 0 ? columns : { reservation: lock.holder })
    .where('uuid', '=', lock.uuid)
    .where('reservation', '=', lock.holder)
    .where('reservation_epoch', '=', lock.epoch)
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new NodeLockLost(lock);
  return nodeOfRow(row);
}

/** Gives the node back, with a last change in the same write. Throws NodeLockLost as `writeLocked` does. */
export async function releaseNode(
  transaction: Transaction,
  lock: NodeLock,
  changes: NodeColumns = {},
): Promise<NodeRecord> {
  return await writeLocked(transaction, lock, { ...changes, reservation: null });
}

/**
 * Gives back a node within the transaction that took it, so that nobody ever sees it reserved. The epoch has moved
 * on: whoever held the node before is fenced off.
 */
export async function releaseAtOnce(transaction: Transaction, uuid: string): Promise<void> {
  await transaction.updateTable('nodes').set({ reservation: null }).where('uuid', '=', uuid).execute();
}
