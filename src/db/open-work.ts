// Open operations and held nodes as whoever takes over looks at them: whose they are, in few columns and many rows.
import type { OperationRecord, OperationState, Wait } from '#protocol/operation.ts';
import { decode } from './columns.ts';
import type { NodePlace } from './ring.ts';
import type { Reader, Transaction } from './store.ts';
import { operationColumns } from './tables.ts';

/** So many rows are named in one statement. */
const rowsPerStatement = 500;

/** An open operation, and what tells whose it is to go on with. */
export interface OpenWork extends NodePlace {
  readonly id: string;
  readonly state: OperationState;
  readonly wait: Wait | null;
  /** Empty where its conductor has handed it over. */
  readonly owner: string;
  /** Who holds its node, or held it last, and the epoch of that taking. */
  readonly reservation: string | null;
  readonly reservation_epoch: number;
}

/** Every open operation of a node that is there, oldest first. */
export async function readOpenWork(reader: Reader): Promise<OpenWork[]> {
  const rows = await reader
    .selectFrom('operations')
    .innerJoin('nodes', 'nodes.uuid', 'operations.node_uuid')
    .select(['operations.id', 'operations.state', 'operations.wait', 'operations.owner'])
    .select(['nodes.uuid', 'nodes.driver', 'nodes.conductor_group'])
    .select(['nodes.reservation', 'nodes.reservation_epoch'])
    .where('operations.finished_at', 'is', null)
    .orderBy('operations.created_at')
    .execute();
  return rows.map(({ wait, ...row }) => {
    // Written by the operations' own queries.
    const waits = wait === null ? null : (JSON.parse(wait) as Wait);
    return { ...row, wait: waits };
  });
}

/** Makes waiting operations of `from` those of `owner`, as far as they still are so; says which. */
export async function adoptWaiting(
  transaction: Transaction,
  ids: readonly string[],
  { from, owner }: { from: string; owner: string },
): Promise<Set<string>> {
  const adopted = new Set<string>();
  for (const some of inStatements(ids)) {
    const rows = await transaction
      .updateTable('operations')
      .set({ owner })
      .where('id', 'in', some)
      .where('owner', '=', from)
      .where('state', '=', 'waiting')
      .returning('id')
      .execute();
    for (const { id } of rows) adopted.add(id);
  }
  return adopted;
}

/**
 * Makes an operation that runs or fails the owner's. Where it runs, its step at the cursor is begun once more; one that
 * fails begins none. Gives it as it then is; undefined, with nothing changed, when it waits or is over.
 */
export async function beginOperationAgain(
  transaction: Transaction,
  id: string,
  owner: string,
): Promise<OperationRecord | undefined> {
  const row = await transaction
    .updateTable('operations')
    .set({ owner })
    .set((columns) => ({
      attempt: columns
        .case()
        .when('state', '=', 'running')
        .then(columns('attempt', '+', 1))
        .else(columns.ref('attempt'))
        .end(),
    }))
    .where('id', '=', id)
    .where('finished_at', 'is', null)
    .where('state', '!=', 'waiting')
    .returningAll()
    .executeTakeFirst();
  return row && decode<OperationRecord, typeof operationColumns>(operationColumns, row);
}

/** A node that is held though nothing is at work on it. */
export interface IdlyHeld extends NodePlace {
  readonly reservation: string;
  readonly reservation_epoch: number;
}

/** The nodes that anybody holds without an operation at work on them. */
export async function readNodesHeldIdly(reader: Reader): Promise<IdlyHeld[]> {
  const rows = await reader
    .selectFrom('nodes')
    .select(['uuid', 'driver', 'conductor_group', 'reservation', 'reservation_epoch'])
    .where('reservation', 'is not', null)
    .where('uuid', 'not in', (query) =>
      query
        .selectFrom('operations')
        .select('node_uuid')
        .where('finished_at', 'is', null)
        .where('state', '!=', 'waiting'),
    )
    .execute();
  // The condition above leaves no null.
  return rows.map((row) => ({ ...row, reservation: row.reservation ?? '' }));
}

/** The nodes that a conductor holds, each with the epoch under which it does. */
export async function readHeldBy(reader: Reader, hostname: string): Promise<Map<string, number>> {
  const rows = await reader
    .selectFrom('nodes')
    .select(['uuid', 'reservation_epoch'])
    .where('reservation', '=', hostname)
    .execute();
  return new Map(rows.map((row) => [row.uuid, row.reservation_epoch]));
}

/** Gives back nodes that are held as they were seen. What their holders write is refused then. Says how many. */
export async function releaseHeldIdly(transaction: Transaction, nodes: readonly IdlyHeld[]): Promise<number> {
  let released = 0;
  for (const { uuid, reservation, reservation_epoch } of nodes) {
    const { numUpdatedRows } = await transaction
      .updateTable('nodes')
      .set({ reservation: null })
      .set((columns) => ({ reservation_epoch: columns('reservation_epoch', '+', 1) }))
      .where('uuid', '=', uuid)
      .where('reservation', '=', reservation)
      .where('reservation_epoch', '=', reservation_epoch)
      .executeTakeFirst();
    released += Number(numUpdatedRows);
  }
  return released;
}

/** Makes a conductor the one whose doing the nodes are prepared by. */
export async function setAffinity(
  transaction: Transaction,
  uuids: readonly string[],
  hostname: string,
): Promise<void> {
  for (const some of inStatements(uuids))
    await transaction
      .updateTable('nodes')
      .set({ conductor_affinity: hostname })
      .where('uuid', 'in', some)
      .execute();
}

function* inStatements<T>(all: readonly T[]): Iterable<T[]> {
  for (let at = 0; at < all.length; at += rowsPerStatement) yield all.slice(at, at + rowsPerStatement);
}
