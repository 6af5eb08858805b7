// What one change to a node consists of, and how all that tells of it comes into the same transaction.
import { addEvent, type EventKind, type EventSubject } from '#db/events.ts';
import { addHistory } from '#db/history.ts';
import { type NodeColumns, readNode } from '#db/nodes.ts';
import { insertOperation, trimOperations, updateOperation } from '#db/operations.ts';
import type { Transaction } from '#db/store.ts';
import { wireTime } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { HistoryEventType } from '#model/power-states.ts';
import type { ProvisionEvent, TargetProvisionState } from '#model/provision-states.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { toldKinds } from '#notifications/notification.ts';
import { areSent, nodeSubject } from '#notifications/subject.ts';
import { advance } from '../advance.ts';
import type { ConductorParts } from '../parts.ts';

/** One change to a held node and to all that tells of it: everything here happens, or nothing. */
export interface NodeCommit {
  /** Raised one after the other in the provision table. */
  raise?: readonly ProvisionEvent[];
  /** Where the flow that begins here is to end, when it is not the table's answer. */
  target?: TargetProvisionState;
  columns?: NodeColumns;
  operation?: { id: string; changes: Partial<Omit<OperationRecord, 'id'>> };
  newOperation?: OperationRecord;
  /** Of the operation of this change, unless another one is named. */
  tell?: readonly { kind: EventKind; data: Record<string, unknown>; operation?: string }[];
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

/** The columns that a change writes, and the transitions to tell of. */
export function raiseAll(
  node: NodeRecord,
  change: NodeCommit,
  now: number,
): { columns: NodeColumns; told: object[] } {
  let state: Pick<NodeRecord, 'uuid' | 'provision_state' | 'target_provision_state'> = node;
  let columns: NodeColumns = {};
  const told: object[] = [];
  for (const event of change.raise ?? []) {
    const step = advance(state, event, { now, ...(change.target ? { target: change.target } : {}) });
    const previous_target = state.target_provision_state;
    state = { ...state, ...step.columns };
    columns = { ...columns, ...step.columns };
    told.push({ ...step.told, target: state.target_provision_state, previous_target });
  }
  return { columns: { updated_at: wireTime(now), ...columns, ...change.columns }, told };
}

/** Events, history and the operation's row of a change, in its transaction. */
export async function tellOf(
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
  const tell: NonNullable<NodeCommit['tell']> = [
    ...transitions.map((data) => ({ kind: 'provision.transition' as const, data: { ...data } })),
    ...(change.tell ?? []),
  ];
  const subject = tell.length > 0 ? await subjectOf(parts, transaction, node.uuid) : undefined;
  for (const { kind, data, operation } of tell) {
    const { requestId: request_id } = node.context;
    const event = {
      at,
      kind,
      node_uuid: node.uuid,
      operation_id: operation ?? (kind === 'operation.started' ? begun : null) ?? atWork,
      request_id,
      data,
    };
    await addEvent(transaction, event, toldKinds.includes(kind) ? subject?.(kind) : undefined);
  }
  if (change.history) await noteInHistory(parts, transaction, node, change.history, at);
  await change.also?.(transaction);
}

async function noteInHistory(
  parts: ConductorParts,
  transaction: Transaction,
  { uuid: node_uuid, context }: { uuid: string; context: RequestContext },
  { severity, type: event_type, event }: NonNullable<NodeCommit['history']>,
  created_at: string,
): Promise<void> {
  const { conductor: options } = parts.settings;
  if (!isRecorded(severity, options)) return;
  const written = { uuid: parts.random.uuid(), created_at, conductor: parts.hostname, user: context.userId };
  const line = { ...written, node_uuid, severity, event_type, event };
  await addHistory(transaction, line, trimmedOnWriting(options));
}

/** Errors are, unless [conductor]node_history is off; beginnings and ends of flows by record_step_flows_in_history. */
function isRecorded(severity: 'ERROR' | 'INFO', options: ConductorParts['settings']['conductor']): boolean {
  return options.node_history && (severity === 'ERROR' || options.record_step_flows_in_history);
}

/** What is to be kept for some days whatever its number is trimmed by a task of its own. */
function trimmedOnWriting(options: ConductorParts['settings']['conductor']): number {
  return options.node_history_minimum_days > 0 ? 0 : options.node_history_max_entries;
}

/** The node as this commit leaves it, for each event's notifications; undefined where none are sent. */
async function subjectOf(
  { settings }: ConductorParts,
  transaction: Transaction,
  uuid: string,
): Promise<((kind: EventKind) => EventSubject | undefined) | undefined> {
  const node = areSent(settings) ? await readNode(transaction, uuid) : undefined;
  return node && ((kind) => nodeSubject(settings, kind.startsWith('node.') ? 'api' : 'conductor', node));
}
