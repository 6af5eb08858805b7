// Who may be at work at a time, and who waits for a turn: a fair queue for each limit, which every process reads alike.
import { type Clock, wireTime } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import type { ConcurrencyLimit, OperationRecord } from '#protocol/operation.ts';
import type { Reader, Transaction } from './store.ts';

/** The states that count against each of [conductor]max_concurrent_deploy and max_concurrent_clean. */
const limitedStates = {
  deploy: ['deploying', 'wait call-back'],
  clean: ['deleting', 'cleaning', 'clean wait'],
} as const satisfies Record<ConcurrencyLimit, readonly ProvisionState[]>;

export const concurrencyLimits: readonly ConcurrencyLimit[] = ['deploy', 'clean'];

/** A limit, of one conductor group where they have one each, as it stands at some moment. */
export interface Queue {
  readonly limit: ConcurrencyLimit;
  readonly conductorGroup?: string;
  /**
   * A conductor that was last heard of before has nobody begin what waits: that has no turn, and is in nobody's way,
   * until the conductor is back or another one has it.
   */
  readonly heardSince: string;
}

export interface QueueState {
  readonly atWork: number;
  /** All who wait. */
  readonly waiting: number;
  /** Those of them whose conductor is there to begin them. */
  readonly inTurn: number;
}

/**
 * Ensures that the transaction sees whoever came or went at this limit before, and that whoever comes later sees what
 * it did: all of them write the same row.
 */
export async function lockTurns(transaction: Transaction, limit: ConcurrencyLimit): Promise<void> {
  await transaction
    .insertInto('turns')
    .values({ queue: limit, taken: 1 })
    .onConflict((conflict) =>
      conflict.column('queue').doUpdateSet((columns) => ({ taken: columns('turns.taken', '+', 1) })),
    )
    .execute();
}

/** How many nodes are at work, and how many operations wait for their turn. */
export async function readQueueState(reader: Reader | Transaction, queue: Queue): Promise<QueueState> {
  let inStates = reader
    .selectFrom('nodes')
    .select((columns) => columns.fn.countAll<number>().as('count'))
    .where('provision_state', 'in', limitedStates[queue.limit]);
  if (queue.conductorGroup !== undefined)
    inStates = inStates.where('conductor_group', '=', queue.conductorGroup);
  const { count } = await inStates.executeTakeFirstOrThrow();
  const [{ waiting }, { inTurn }] = [
    await waitingIn(reader, queue)
      .select((columns) => columns.fn.countAll<number>().as('waiting'))
      .executeTakeFirstOrThrow(),
    await inTurnIn(reader, queue)
      .select((columns) => columns.fn.countAll<number>().as('inTurn'))
      .executeTakeFirstOrThrow(),
  ];
  return { atWork: count - waiting, waiting, inTurn };
}

/**
 * The round in which a node's operation is to have its turn when it joins now. Each owner within a conductor group
 * has one operation a round, and nobody comes before the round that is on.
 */
export async function readNextRound(
  transaction: Transaction,
  queue: Queue,
  { owner, conductor_group }: Pick<NodeRecord, 'owner' | 'conductor_group'>,
): Promise<number> {
  const { current } = await inTurnIn(transaction, queue)
    .select((columns) => columns.fn.min('operations.round').as('current'))
    .executeTakeFirstOrThrow();
  const { last } = await waitingIn(transaction, queue)
    .select((columns) => columns.fn.max('operations.round').as('last'))
    .where('nodes.owner', owner === null ? 'is' : '=', owner)
    .where('nodes.conductor_group', '=', conductor_group)
    .executeTakeFirstOrThrow();
  return Math.max(current ?? 1, (last ?? 0) + 1);
}

/** An operation that waits for its turn. */
export interface Waiter {
  readonly id: string;
  readonly node_uuid: string;
  /** The conductor that is to begin it. */
  readonly owner: string;
}

/** The first of those who wait and can be begun, in the order of their turns. */
export async function readFirstInQueue(
  reader: Reader | Transaction,
  queue: Queue,
  most: number,
): Promise<Waiter[]> {
  return await inTurnIn(reader, queue)
    .select(['operations.id', 'operations.node_uuid', 'operations.owner'])
    .orderBy('operations.round')
    .orderBy('operations.created_at')
    .orderBy('operations.id')
    .limit(most)
    .execute();
}

/** The place of an operation that waits for its turn among those that can be begun: 1 for the next one. */
export async function readPlaceInQueue(
  reader: Reader | Transaction,
  queue: Queue,
  { round, created_at, id }: Pick<OperationRecord, 'round' | 'created_at' | 'id'>,
): Promise<number> {
  const { ahead } = await inTurnIn(reader, queue)
    .select((columns) => columns.fn.countAll<number>().as('ahead'))
    .where((is) =>
      is.or([
        is('operations.round', '<', round),
        is.and([is('operations.round', '=', round), is('operations.created_at', '<', created_at)]),
        is.and([
          is('operations.round', '=', round),
          is('operations.created_at', '=', created_at),
          is('operations.id', '<', id),
        ]),
      ]),
    )
    .executeTakeFirstOrThrow();
  return ahead + 1;
}

/** The conductor groups whose operations wait, for limits that count in each of them. */
export async function readGroupsInQueue(reader: Reader, limit: ConcurrencyLimit): Promise<string[]> {
  const rows = await waitingIn(reader, { limit }).select('nodes.conductor_group').distinct().execute();
  return rows.map((row) => row.conductor_group);
}

/** Whether an operation that this conductor is to begin waits for its turn. */
export async function hasOwnInQueue(reader: Reader, hostname: string): Promise<boolean> {
  const row = await reader
    .selectFrom('operations')
    .select('id')
    .where('queue', 'is not', null)
    .where('owner', '=', hostname)
    .executeTakeFirst();
  return row !== undefined;
}

function waitingIn(reader: Reader | Transaction, { limit, conductorGroup }: Omit<Queue, 'heardSince'>) {
  const waiting = reader
    .selectFrom('operations')
    .innerJoin('nodes', 'nodes.uuid', 'operations.node_uuid')
    .where('operations.queue', '=', limit);
  return conductorGroup === undefined ? waiting : waiting.where('nodes.conductor_group', '=', conductorGroup);
}

/** As `isAlive` has it: online, to stay, and heard of. */
function inTurnIn(reader: Reader | Transaction, queue: Queue) {
  return waitingIn(reader, queue).where('operations.owner', 'in', (query) =>
    query
      .selectFrom('conductors')
      .select('hostname')
      .where('online', '=', 1)
      .where('leaving', '=', 0)
      .where('updated_at', '>=', queue.heardSince),
  );
}

/** The queue of a limit, or of a conductor group at that limit, at this moment. */
export function queueNow(
  { limit, conductorGroup }: Omit<Queue, 'heardSince'>,
  settings: { readonly conductor: { readonly heartbeat_timeout: number } },
  clock: Clock,
): Queue {
  const heardSince = wireTime(clock.now() - settings.conductor.heartbeat_timeout * 1000);
  return { limit, ...(conductorGroup === undefined ? {} : { conductorGroup }), heardSince };
}
