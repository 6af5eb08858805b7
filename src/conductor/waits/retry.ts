// An operation that failed is begun anew after a while, where a policy says so.
import type { Task } from '#drivers/task.ts';
import { wireTime } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { isWaiting } from '#model/provision-states.ts';
import type { OperationStep } from '#protocol/operation.ts';
import { backOffMilliseconds, coversFailure, retryPolicyOf } from './retry-policy.ts';
import type { Place, RunEnd } from '../operations/run.ts';
import { withShownStep } from '../steps/shown-step.ts';

/** When it is begun anew, with which steps, and how often it may be. */
interface Retry {
  readonly kind: 'again';
  readonly at: string;
  readonly attempts: number;
  readonly steps: OperationStep[];
}

/** `because`: it would be begun anew, if that could be planned. */
type NoRetry = { readonly kind: 'not again'; readonly because?: string };

/** Whether, when and how an operation that fails is begun anew. */
export function retryOf({ parts, node, operation, flow, log }: Place, task: Task): Retry | NoRetry {
  const { settings, clock, random } = parts;
  const policy = retryPolicyOf(node.record, settings);
  if (!coversFailure(policy, operation)) return { kind: 'not again' };
  const pause = backOffMilliseconds(policy, operation.retries, random.fraction());
  const at = wireTime(clock.now() + pause);
  try {
    const { input } = operation;
    const steps = flow.plan({ node: node.record, driver: task.driver, settings, input });
    return { kind: 'again', at, attempts: policy.attempts, steps };
  } catch (error) {
    // What was accepted under an earlier version, or before the node was changed, may be what nobody can do now.
    log.warn({ kind: operation.kind, err: error }, 'operation cannot be planned anew');
    return { kind: 'not again', because: messageOf(error) };
  }
}

/**
 * Commits that the operation, of which everything was undone, goes back to its beginning and waits there. The node is
 * free meanwhile, in the state it began in; `last_error` says what failed and when it is tried again.
 */
export async function beginAgainLater(
  { node, operation, flow, log }: Place,
  { at, attempts, steps }: Retry,
): Promise<RunEnd> {
  const { kind, fault } = operation;
  const retries = operation.retries + 1;
  const reason = operation.error ?? 'it failed';
  const told = `${reason} (It is tried again at ${at}: ${retries} of ${attempts}.)`;
  const wait = { for: 'retry', at, reason, left: attempts - retries } as const;
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
