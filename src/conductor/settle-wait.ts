import { readNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import { nextState } from '#model/provision-states.ts';
import type { Wait } from '#protocol/operation.ts';
import type { OwnStepOutcome } from './flows/flow.ts';
import type { NodeCommit } from './node-commit.ts';
import type { ConductorParts } from './parts.ts';
import type { Run, RunEnd } from './run.ts';
import { agentHeardAt } from './task.ts';

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
  const wait = waitOf(outcome, parts.clock.now());
  const { provision_updated_at } = node.record;
  // The same wait as before, after a look that the time was come for.
  const columns = { ...change.columns, ...(operation.wait === null ? {} : { provision_updated_at }) };
  // Without a wait state of its own, a flow waits with the node in hand.
  if (nextState(node.record.provision_state, 'wait') === undefined) {
    await node.commit(change);
    await parts.clock.sleep(heldWaitMilliseconds(wait, parts), run.task.signal);
    return undefined;
  }
  try {
    await node.commit({
      ...change,
      columns,
      raise: [wait.for === 'hold' ? 'hold' : 'wait'],
      operation: { id: operation.id, changes: { state: 'waiting', wait } },
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
    await node.commit({ ...change, operation: { id: operation.id, changes: { wait: null } } });
    operation.wait = null;
    return undefined;
  }
  return { kind: 'waits', wait };
}

class HeardMeanwhile extends Error {}

function waitOf(outcome: WaitOutcome, now: number): Wait {
  if (outcome.for === 'hold') return { for: 'hold' };
  if (outcome.for === 'poll') return { for: 'poll', at: wireTime(now + outcome.afterSeconds * 1000) };
  if (outcome.for === 'agent' && outcome.pollSeconds !== undefined) {
    return { for: 'agent', at: wireTime(now + outcome.pollSeconds * 1000) };
  }
  return { for: 'agent' };
}

function heldWaitMilliseconds(wait: Wait, parts: ConductorParts): number {
  const at = 'at' in wait ? wait.at : undefined;
  const limit = parts.settings.ingot.driver_poll_interval * 1000;
  return at === undefined ? limit : Math.max(0, Date.parse(at) - parts.clock.now());
}
