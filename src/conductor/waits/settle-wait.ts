import { readNode } from '#db/nodes.ts';
import { ClassedFailure } from '#drivers/fault-class.ts';
import { wireTime } from '#model/clock.ts';
import { nextState } from '#model/provision-states.ts';
import type { Wait } from '#protocol/operation.ts';
import type { OwnStepOutcome } from '../flows/flow.ts';
import type { NodeCommit } from '../lock/node-commit.ts';
import type { Run, RunEnd } from '../operations/run.ts';
import { agentHeardAt } from '../task.ts';

/** A wait for something to be heard of, for a time, or for an operator. */
type WaitOutcome = Exclude<OwnStepOutcome & { kind: 'wait' }, { for: 'reboot' }>;

/**
 * Commits that a step waits, and gives the node back. Where what it waits for came while it was at work, the run goes
 * on instead (undefined).
 */
export async function settleWait(
  run: Run,
  outcome: WaitOutcome,
  change: NodeCommit,
  heardBefore: number | null,
): Promise<RunEnd | undefined> {
  const { parts, node, operation } = run;
  const wait = waitOf(outcome, operation.wait, parts.clock.now());
  const { provision_updated_at } = node.record;
  // The same wait as before, after a look that the time was come for.
  const columns = { ...change.columns, ...(operation.wait === null ? {} : { provision_updated_at }) };
  if (nextState(node.record.provision_state, 'wait') === undefined && wait.for !== 'hold')
    return await waitWhereItIs(run, limited(run, wait), change);
  try {
    await node.commit({
      ...change,
      columns,
      raise: [wait.for === 'hold' ? 'hold' : 'wait'],
      operation: { id: operation.id, changes: { state: 'waiting', wait, once_begun: false } },
      also: async (transaction) => {
        await change.also?.(transaction);
        const now = await readNode(transaction, node.uuid);
        const heard = now ? agentHeardAt(now) : null;
        if (wait.for === 'agent' && heard !== null && heard !== heardBefore) throw new HeardMeanwhile();
      },
      release: true,
    });
  } catch (error) {
    if (!(error instanceof HeardMeanwhile)) throw error;
    // What the step would wait for came while it was at work.
    await node.commit({
      ...change,
      operation: { id: operation.id, changes: { wait: null, once_begun: false } },
    });
    Object.assign(operation, { wait: null, once_begun: false });
    return undefined;
  }
  return { kind: 'waits', wait };
}

class HeardMeanwhile extends Error {}

/** A state without a wait of its own stays as it is; the node is free all the same. */
async function waitWhereItIs(run: Run, wait: TimedWait, change: NodeCommit): Promise<RunEnd> {
  const changes = { state: 'waiting', wait, once_begun: false } as const;
  await run.node.commit({ ...change, operation: { id: run.operation.id, changes }, release: true });
  return { kind: 'waits', wait };
}

type TimedWait = Extract<Wait, { for: 'agent' | 'poll' }> & { at: string };

/**
 * A wait in a state that has no time limit of its own, and in which no sign of life wakes anybody: there is a look
 * every so often, and an end ([ingot]step_wait_timeout). Throws ClassedFailure when that has come.
 */
function limited({ parts, operation }: Run, wait: Exclude<Wait, { for: 'hold' }>): TimedWait {
  const { step_wait_timeout: seconds, driver_poll_interval } = parts.settings.ingot;
  const now = parts.clock.now();
  const since = 'since' in wait && wait.since !== undefined ? Date.parse(wait.since) : now;
  const end = seconds > 0 ? since + seconds * 1000 : Infinity;
  if (now >= end) {
    const step = operation.steps[operation.cursor];
    throw new ClassedFailure(
      `Timeout: the step ${step?.interface}.${step?.step} did not end within ${seconds} s.`,
      'step-timeout',
    );
  }
  const asked =
    'at' in wait && wait.at !== undefined ? Date.parse(wait.at) : now + driver_poll_interval * 1000;
  return {
    for: wait.for === 'agent' ? 'agent' : 'poll',
    since: wireTime(since),
    at: wireTime(Math.min(asked, end)),
  };
}

/** `before`: what it waited for until it looked, if that is what it goes on to wait for. */
function waitOf(outcome: WaitOutcome, before: Wait | null, now: number): Wait {
  if (outcome.for === 'hold') return { for: 'hold' };
  const goesOn = before?.for === outcome.for ? before.since : undefined;
  const since = goesOn ?? wireTime(now);
  const seconds = outcome.for === 'poll' ? outcome.afterSeconds : outcome.pollSeconds;
  if (seconds === undefined) return { for: 'agent', since };
  return { for: outcome.for, since, at: wireTime(now + seconds * 1000) };
}
