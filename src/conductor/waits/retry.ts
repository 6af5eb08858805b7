// An operation that failed is begun anew after a while, where a policy says so.
import type { Task } from '#drivers/task.ts';
import { wireTime } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { isWaiting } from '#model/provision-states.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { ConductorParts } from '../parts.ts';
import { backOffMilliseconds, coversFailure, retryPolicyOf } from './retry-policy.ts';
import type { Place, RunEnd } from '../operations/run.ts';
import { withShownStep } from '../steps/shown-step.ts';

/** When it is begun anew, and how often it may be. */
interface Retry {
  readonly at: string;
  readonly attempts: number;
}

/** Whether, and when, an operation that fails is begun anew. */
export function retryOf(
  { settings, clock, random }: ConductorParts,
  node: NodeRecord,
  operation: OperationRecord,
): Retry | undefined {
  const policy = retryPolicyOf(node, settings);
  if (!coversFailure(policy, operation)) return undefined;
  const pause = backOffMilliseconds(policy, operation.retries, random.fraction());
  return { at: wireTime(clock.now() + pause), attempts: policy.attempts };
}

/**
 * Commits that the operation, of which everything was undone, goes back to its beginning and waits there. The node is
 * free meanwhile, in the state it began in; `last_error` says what failed and when it is tried again.
 */
export async function beginAgainLater(
  { parts, node, operation, flow, log }: Place,
  task: Task,
  { at, attempts }: Retry,
): Promise<RunEnd> {
  const { kind, input, fault } = operation;
  const retries = operation.retries + 1;
  const reason = operation.error ?? 'it failed';
  const told = `${reason} (It is tried again at ${at}: ${retries} of ${attempts}.)`;
  const wait = { for: 'retry', at, reason, left: attempts - retries } as const;
  const steps = flow.plan({ node: node.record, driver: task.driver, settings: parts.settings, input });
  const beginning = { cursor: 0, attempt: 0, memo: {}, once_begun: false, steps };
  const { columns = {}, history } = flow.fail({
    operation,
    node: node.record,
    error: told,
    isLeftUndone: false,
  });
  await node.commit({
    ...(isWaiting(node.record.provision_state) ? { raise: ['resume'] } : {}),
    columns: withShownStep(flow, node.record, { last_error: columns.last_error ?? told }, null),
    operation: { id: operation.id, changes: { ...beginning, state: 'waiting', wait, retries } },
    ...(history ? { history } : {}),
    tell: [{ kind: 'operation.retried', data: { kind, fault, error: reason, at, retries, attempts } }],
    release: true,
  });
  log.info({ kind, retries, at }, 'operation is tried again later');
  return { kind: 'waits', wait };
}
