import { addEvent, type EventKind } from '#db/events.ts';
import { addHistory } from '#db/history.ts';
import {
  type NodeLock,
  NodeLockLost,
  releaseAtOnce,
  releaseNode,
  takeNode,
  takeNodeOver,
  writeLocked,
} from '#db/node-lock.ts';
import { type NodeColumns, readNode } from '#db/nodes.ts';
import { insertOperation, trimOperations, updateOperation } from '#db/operations.ts';
import type { Transaction } from '#db/store.ts';
import { wireTime } from '#model/clock.ts';
import { NodeLocked, NodeNotFound } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { HistoryEventType } from '#model/power-states.ts';
import type { ProvisionEvent, TargetProvisionState } from '#model/provision-states.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { advance } from './advance.ts';
import type { ConductorParts } from './parts.ts';

/** One change to a held node and to all that tells of it: everything here happens, or nothing. */
export interface NodeCommit {
  /** Raised one after the other in the provision table. */
  raise?: readonly ProvisionEvent[];
  /** Where the flow that begins here is to end, when it is not the table's answer. */
  target?: TargetProvisionState;
  columns?: NodeColumns;
  operation?: { id: string; changes: Partial<Omit<OperationRecord, 'id'>> };
  newOperation?: OperationRecord;
  tell?: readonly { kind: EventKind; data: Record<string, unknown> }[];
  history?: { severity: 'ERROR' | 'INFO'; type: HistoryEventType; event: string };
  /** More to write in the same transaction. */
  also?: (transaction: Transaction) => Promise<void>;
  /** Gives the node back with this change. */
  release?: boolean;
}

/** Looks at a node within the transaction that is to change it; gives the change or throws what forbids it. */
export type Decide = (node: NodeRecord, transaction: Transaction) => NodeCommit | Promise<NodeCommit>;

/** How many finished operations of a node are kept for its timeline. */
const operationsKept = 50;

/**
 * A node in this conductor's hands. Whatever changes a node under the lock goes through `commit`.
 * Disposing gives the node back if no commit did.
 */
export class LockedNode implements AsyncDisposable {
  readonly context: RequestContext;
  readonly #parts: ConductorParts;
  readonly #lock: NodeLock;
  #record: NodeRecord;
  #released = false;

  constructor(parts: ConductorParts, lock: NodeLock, record: NodeRecord, context: RequestContext) {
    this.#parts = parts;
    this.#lock = lock;
    this.#record = record;
    this.context = context;
  }

  /** The node as of the last commit. */
  get record(): NodeRecord {
    return this.#record;
  }

  get uuid(): string {
    return this.#lock.uuid;
  }

  get isReleased(): boolean {
    return this.#released;
  }

  /**
   * Ensures that the change is on the disk. Throws NodeLockLost when the node is no longer this conductor's;
   * then nothing was written and nothing further may be done to the machine.
   */
  async commit(change: NodeCommit): Promise<void> {
    if (this.#released) throw new NodeLockLost(this.#lock);
    const record = await this.#parts.store.write(async (transaction) => {
      const { columns, told } = raiseAll(this.#record, change, this.#parts.clock.now());
      const write = change.release ? releaseNode : writeLocked;
      const written = await write(transaction, this.#lock, columns);
      await tellOf(this.#parts, transaction, this, change, told);
      return written;
    });
    this.#record = record;
    if (change.release) this.#released = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    try {
      await this.#parts.store.write(async (transaction) => await releaseNode(transaction, this.#lock));
    } catch (error) {
      if (!(error instanceof NodeLockLost)) throw error;
      this.#parts.log.warn({ node: this.uuid }, error.message);
    }
  }
}

/** The columns that a change writes, and the transitions to tell of. */
function raiseAll(
  node: NodeRecord,
  change: NodeCommit,
  now: number,
): { columns: NodeColumns; told: object[] } {
  let state: Pick<NodeRecord, 'uuid' | 'provision_state' | 'target_provision_state'> = node;
  let columns: NodeColumns = {};
  const told: object[] = [];
  for (const event of change.raise ?? []) {
    const step = advance(state, event, { now, ...(change.target ? { target: change.target } : {}) });
    state = { ...state, ...step.columns };
    columns = { ...columns, ...step.columns };
    told.push(step.told);
  }
  return { columns: { updated_at: wireTime(now), ...columns, ...change.columns }, told };
}

/** Errors are, unless [conductor]node_history is off; beginnings and ends of flows by record_step_flows_in_history. */
function isRecorded(severity: 'ERROR' | 'INFO', options: ConductorParts['settings']['conductor']): boolean {
  return options.node_history && (severity === 'ERROR' || options.record_step_flows_in_history);
}

/** Events, history and the operation's row of a change, in its transaction. */
async function tellOf(
  parts: ConductorParts,
  transaction: Transaction,
  node: { uuid: string; context: RequestContext },
  change: NodeCommit,
  transitions: readonly object[],
): Promise<void> {
  const at = wireTime(parts.clock.now());
  // What ends goes before what follows it: no two are ever open.
  if (change.operation) {
    await updateOperation(transaction, change.operation.id, { updated_at: at, ...change.operation.changes });
    if (change.operation.changes.finished_at) await trimOperations(transaction, node.uuid, operationsKept);
  }
  if (change.newOperation) await insertOperation(transaction, change.newOperation);
  // Where one operation follows another in the same commit, all but the beginning is told of the one that ends.
  const begun = change.newOperation?.id ?? null;
  const atWork = change.operation?.id ?? begun;
  const tell = [
    ...transitions.map((data) => ({ kind: 'provision.transition' as const, data: { ...data } })),
    ...(change.tell ?? []),
  ];
  for (const { kind, data } of tell) {
    const { requestId: request_id } = node.context;
    await addEvent(transaction, {
      at,
      kind,
      node_uuid: node.uuid,
      operation_id: kind === 'operation.started' ? begun : atWork,
      request_id,
      data,
    });
  }
  if (change.history && isRecorded(change.history.severity, parts.settings.conductor)) {
    const { severity, type, event } = change.history;
    await addHistory(
      transaction,
      {
        uuid: parts.random.uuid(),
        node_uuid: node.uuid,
        created_at: at,
        conductor: parts.hostname,
        severity,
        event_type: type,
        event,
        user: node.context.userId,
      },
      parts.settings.conductor.node_history_max_entries,
    );
  }
  await change.also?.(transaction);
}

/**
 * Takes the node for this conductor, with a first change in the same transaction. `decide` looks at the node and
 * gives the change, or throws what forbids it. When somebody else holds the node it is tried again as
 * `[conductor]node_locked_retry_attempts` says; then NodeLocked. Throws NodeNotFound for a node that is gone.
 */
export async function lockNode(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
  decide: Decide = () => ({}),
  options: { patient?: boolean } = {},
): Promise<LockedNode> {
  return await whenFree(parts, uuid, async () => await tryToLock(parts, uuid, context, decide), options);
}

/** Somebody else holds the node. */
export class Held {
  readonly by: string;
  constructor(by: string) {
    this.by = by;
  }
}

/** Tries until the node is free, as often as `lockNode` says; then throws NodeLocked. */
export async function whenFree<T>(
  parts: ConductorParts,
  uuid: string,
  attempt: () => Promise<T | Held>,
  options: { patient?: boolean } = {},
): Promise<T> {
  const { node_locked_retry_attempts: attempts, node_locked_retry_interval: interval } =
    parts.settings.conductor;
  const tries = options.patient === false ? 1 : Math.max(1, attempts);
  for (let tried = 1; ; tried += 1) {
    const outcome = await attempt();
    if (!(outcome instanceof Held)) return outcome;
    if (tried >= tries) throw new NodeLocked({ node: uuid, host: outcome.by });
    await parts.clock.sleep(interval * 1000);
  }
}

async function tryToLock(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
  decide: Decide,
): Promise<LockedNode | Held> {
  return await parts.store.write(async (transaction) => {
    const before = await readNode(transaction, uuid);
    if (!before) throw new NodeNotFound({ node: uuid });
    if (before.reservation !== null) return new Held(before.reservation);
    const change = await decide(before, transaction);
    const { columns, told } = raiseAll(before, change, parts.clock.now());
    const taken = await takeNode(transaction, uuid, parts.hostname, columns);
    if (!taken) return new Held('another conductor');
    await tellOf(parts, transaction, { uuid, context }, change, told);
    return new LockedNode(parts, taken.lock, taken.node, context);
  });
}

/**
 * Changes a node that nobody holds, in one transaction and without ever showing a reservation. Throws as
 * `lockNode` does.
 */
export async function changeFreeNode(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
  decide: Decide,
): Promise<NodeRecord> {
  const node = await lockNode(parts, uuid, context, async (record, reading) => {
    const change = await decide(record, reading);
    return {
      ...change,
      also: async (transaction) => {
        await change.also?.(transaction);
        await releaseAtOnce(transaction, uuid);
      },
    };
  });
  return { ...node.record, reservation: null };
}

/** Takes over a node held by a conductor that is dead, or by this host's earlier life; undefined when it is not. */
export async function takeOverNode(
  parts: ConductorParts,
  uuid: string,
  from: string,
  context: RequestContext,
): Promise<LockedNode | undefined> {
  return await parts.store.write(async (transaction) => {
    const taken = await takeNodeOver(transaction, uuid, from, parts.hostname);
    return taken && new LockedNode(parts, taken.lock, taken.node, context);
  });
}
