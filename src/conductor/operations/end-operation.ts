import { NodeLockLost } from '#db/node-lock.ts';
import type { NodeColumns } from '#db/nodes.ts';
import { faultClassOf } from '#drivers/fault-class.ts';
import type { Task } from '#drivers/task.ts';
import { wireTime } from '#model/clock.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import { hideInUrls } from '#model/secrets.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { nextState } from '#model/provision-states.ts';
import type { OperationKind, OperationRecord } from '#protocol/operation.ts';
import type { NodeCommit } from '../lock/node-commit.ts';
import type { FlowEnd } from '../flows/flow.ts';
import type { ConductorParts } from '../parts.ts';
import { newOperation } from './new-operation.ts';
import { tellTrace, withTrace } from './operation-trace.ts';
import { beginAgainLater, retryOf } from '../waits/retry.ts';
import type { Place, Run, RunEnd } from './run.ts';
import { withShownStep } from '../steps/shown-step.ts';
import { freeTurn } from '../waits/turns.ts';

/** After these what serves the node beside the machine is with this conductor (ironic conductor/deployments.py, 2026.2). */
const prepares: readonly OperationKind[] = ['deploy', 'adopt'];

/** Commits the end of the operation, and where the flow says so the beginning of the next on the same lock. */
export async function finishOperation(run: Run, change: NodeCommit): Promise<RunEnd> {
  const { parts, node, operation, flow, driver } = run;
  const now = wireTime(parts.clock.now());
  const { next, ...end } = flow.finish({ operation, node: node.record, settings: parts.settings, now });
  const follower =
    next && newOperation(parts, node.record, driver, next.kind, withTrace(next.input, operation.input));
  const columns = {
    ...(prepares.includes(operation.kind) ? { conductor_affinity: parts.hostname } : {}),
    ...end.columns,
  };
  await commitEnd(run, change, { ...end, columns }, { state: 'done', error: null, fault: null }, follower);
  return { kind: 'finished', ...(follower ? { next: follower } : {}) };
}

/**
 * Undoes what was begun, and commits the failure. Without a task, because the node's driver is no longer there, nothing can be
 * undone; the node is given back all the same. Goes on where it was left when the conductor died meanwhile.
 */
export async function failOperation(place: Place, task: Task | undefined, cause: unknown): Promise<RunEnd> {
  const { parts, node, operation, flow, log } = place;
  if (operation.state !== 'failing') {
    log.warn({ kind: operation.kind, err: cause }, 'operation failed');
    const error = shownError(parts, messageOf(cause));
    const failing = { state: 'failing', error, fault: faultClassOf(cause), wait: null } as const;
    await node.commit({ operation: { id: operation.id, changes: failing } });
    Object.assign(operation, failing);
  }
  await parts.checkpoint(`${operation.kind}:failing`, node.uuid);
  let isLeftUndone = task === undefined;
  try {
    // What only waited for its turn, or to be tried again, has nothing to undo.
    if (task && operation.attempt > 0) await flow.cleanUp?.(task, operation);
  } catch (cleanUpError) {
    task?.signal.throwIfAborted();
    isLeftUndone = true;
    log.warn({ err: cleanUpError }, 'clean-up after a failure failed too');
  }
  try {
    return await endFailed(place, task, isLeftUndone);
  } catch (error) {
    // These say nothing of the operation: whoever has the node then, ends it so.
    if (node.isReleased || error instanceof TemporaryFailure || error instanceof NodeLockLost) throw error;
    task?.signal.throwIfAborted();
    return await endAnyhow(place, error);
  }
}

function shownError({ settings }: ConductorParts, message: string): string {
  return hideInUrls(message).slice(0, settings.DEFAULT.log_in_db_max_size);
}

/** Commits that an operation of which all was undone that could be is tried again, or has failed. */
async function endFailed(place: Place, task: Task | undefined, isLeftUndone: boolean): Promise<RunEnd> {
  const { parts, node, operation, flow } = place;
  const retry = task ? retryOf(place, task) : ({ kind: 'not again' } as const);
  if (retry.kind === 'again') return await beginAgainLater(place, retry);
  const because = retry.because === undefined ? '' : ` (It is not tried again: ${retry.because})`;
  const error = shownError(parts, `${reasonOf(operation)}${because}`);
  const { next, ...end } = flow.fail({ operation, node: node.record, error, isLeftUndone });
  const raise = asAborted(operation, node.record, end.raise);
  // Without its driver the node has nothing that could follow.
  const follower =
    next &&
    task &&
    newOperation(parts, node.record, task.driver, next.kind, withTrace(next.input, operation.input));
  const { fault } = operation;
  const ended = { state: operation.abort_requested ? 'aborted' : 'failed', error, fault } as const;
  await commitEnd(place, {}, { ...end, ...(raise ? { raise } : {}) }, ended, follower);
  return { kind: 'finished', ...(follower ? { next: follower } : {}) };
}

const reasonOf = ({ error }: OperationRecord): string => error ?? 'the operation failed';

/**
 * Commits the failure of an operation whose flow knows no end for it, as in a state that cannot fail: it would be tried
 * for ever. The node stays in its state, in maintenance, for whoever finds out.
 */
async function endAnyhow(place: Place, cause: unknown): Promise<RunEnd> {
  const { parts, operation, log } = place;
  const { kind, fault } = operation;
  log.error(
    { kind, err: cause },
    'operation that failed cannot end as its kind does; leaves its node in maintenance',
  );
  const maintenance_reason = `The ${kind} failed and could not be ended: ${messageOf(cause)}`;
  const error = shownError(parts, `${reasonOf(operation)} (${maintenance_reason})`);
  const columns = { maintenance: true, maintenance_reason, last_error: error };
  const history = { severity: 'ERROR', type: 'provisioning', event: error } as const;
  await commitEnd(place, {}, { columns, history }, { state: 'failed', error, fault });
  return { kind: 'finished' };
}

/** A hold and some waits know an abort besides failing, or instead. */
function asAborted(
  operation: OperationRecord,
  { provision_state: state }: NodeRecord,
  raise: FlowEnd['raise'],
): FlowEnd['raise'] {
  const [first, ...rest] = raise ?? [];
  const isAborted = operation.abort_requested && first === 'fail' && nextState(state, 'abort') !== undefined;
  return isAborted ? ['abort', ...rest] : raise;
}

async function commitEnd(
  { parts, node, operation, flow, log }: Place,
  change: NodeCommit,
  end: Omit<FlowEnd, 'next'>,
  result: Pick<OperationRecord, 'state' | 'error' | 'fault'>,
  follower?: OperationRecord,
): Promise<void> {
  const { columns, tell, also, ...rest } = end;
  await node.commit({
    ...rest,
    columns: withShownStep(flow, node.record, mergeColumns(change.columns, columns), null),
    operation: {
      id: operation.id,
      changes: { ...result, wait: null, queue: null, round: null, finished_at: wireTime(parts.clock.now()) },
    },
    tell: [
      ...(change.tell ?? []),
      ...(tell ?? []),
      { kind: 'operation.finished', data: { kind: operation.kind, ...result } },
      ...(follower ? [{ kind: 'operation.started' as const, data: { kind: follower.kind } }] : []),
    ],
    also: async (transaction) => {
      await change.also?.(transaction);
      await also?.(transaction);
    },
    ...(follower ? { newOperation: follower } : {}),
    release: follower === undefined,
  });
  const seconds = Math.round((parts.clock.now() - Date.parse(operation.created_at)) / 100) / 10;
  if (!follower) freeTurn(parts, operation);
  const { kind } = operation;
  parts.metrics?.observe('ingot_operation_seconds', { kind, state: result.state }, seconds);
  tellTrace(parts, operation, result);
  log.info({ kind, state: result.state, seconds }, 'operation ended');
}

/** The columns of both: the later one's go before, and each has its members of `driver_internal_info`. */
function mergeColumns(first: NodeColumns = {}, later: NodeColumns = {}): NodeColumns {
  const driver_internal_info = { ...first.driver_internal_info, ...later.driver_internal_info };
  return { ...first, ...later, driver_internal_info };
}
