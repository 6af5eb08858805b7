import type { Task } from '#drivers/task.ts';
import { wireTime } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { hideInUrls } from '#model/secrets.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { NodeCommit } from './node-commit.ts';
import type { FlowEnd } from './flows/flow.ts';
import { newOperation } from './new-operation.ts';
import type { Place, Run, RunEnd } from './run.ts';
import { shownStep } from './shown-step.ts';

/** Commits the end of the operation, and where the flow says so the beginning of the next on the same lock. */
export async function finishOperation(run: Run, change: NodeCommit): Promise<RunEnd> {
  const { parts, node, operation, flow, driver } = run;
  const now = wireTime(parts.clock.now());
  const { next, ...end } = flow.finish({ operation, node: node.record, settings: parts.settings, now });
  const follower = next && newOperation(parts, node.record, driver, next.kind, next.input);
  await commitEnd(run, change, end, { state: 'done', error: null }, follower);
  return { kind: 'finished', ...(follower ? { next: follower } : {}) };
}

/**
 * Undoes what was begun, and commits the failure. Without a task, because the node's driver is no longer there, nothing can be
 * undone; the node is given back all the same. Goes on where it was left when the conductor died meanwhile.
 */
export async function failOperation(place: Place, task: Task | undefined, cause: unknown): Promise<RunEnd> {
  const { parts, node, operation, flow } = place;
  const message = hideInUrls(messageOf(cause));
  const error = message.slice(0, parts.settings.DEFAULT.log_in_db_max_size);
  const stepRan =
    operation.steps[operation.cursor]?.origin !== 'flow' && operation.cursor < operation.steps.length;
  if (operation.state !== 'failing') {
    parts.log.warn(
      { node: node.uuid, operation: operation.id, kind: operation.kind, err: cause },
      'operation failed',
    );
    await node.commit({ operation: { id: operation.id, changes: { state: 'failing', error, wait: null } } });
    Object.assign(operation, { state: 'failing', error });
  }
  await parts.checkpoint(`${operation.kind}:failing`, node.uuid);
  try {
    if (task) await flow.cleanUp?.(task, operation);
  } catch (cleanUpError) {
    task?.signal.throwIfAborted();
    parts.log.warn(
      { node: node.uuid, operation: operation.id, err: cleanUpError },
      'clean-up after a failure failed too',
    );
  }
  const state = operation.abort_requested ? 'aborted' : 'failed';
  const { next: _none, ...end } = flow.fail(operation, node.record, operation.error ?? error, stepRan);
  await commitEnd(place, {}, end, { state, error: operation.error ?? error });
  return { kind: 'finished' };
}

async function commitEnd(
  { parts, node, operation, flow }: Place,
  change: NodeCommit,
  end: Omit<FlowEnd, 'next'>,
  result: Pick<OperationRecord, 'state' | 'error'>,
  follower?: OperationRecord,
): Promise<void> {
  const { columns, tell, also, ...rest } = end;
  await node.commit({
    ...rest,
    columns: { ...change.columns, ...shownStep(flow, undefined, node.record), ...columns },
    operation: {
      id: operation.id,
      changes: { ...result, wait: null, finished_at: wireTime(parts.clock.now()) },
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
  const { id, kind } = operation;
  parts.log.info({ node: node.uuid, operation: id, kind, state: result.state, seconds }, 'operation ended');
}
