import { noAgent, noAgentToken } from '#drivers/agent-facts.ts';
import type { Task } from '#drivers/task.ts';
import { InvalidState } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { type PowerTarget, powerTargets } from '#model/power-states.ts';
import { areSent } from '#notifications/subject.ts';
import { powerFamilyFirst, type Relatives } from './family-power.ts';
import type { LockedNode } from '../lock/locked-node.ts';
import type { ConductorParts } from '../parts.ts';

/** What an agent that no longer runs leaves to be forgotten (rpc-and-conductor `power_actions.wipes_on_off_or_reboot`). */
function forgetAgent({ driver_internal_info: known }: NodeRecord): Readonly<Record<string, null>> {
  return known['agent_secret_token_pregenerated'] === true ? noAgent : { ...noAgent, ...noAgentToken };
}

/** See Task.setPower. */
export async function setPower(
  parts: ConductorParts,
  node: LockedNode,
  task: Task,
  target: PowerTarget,
  timeoutSeconds: number | undefined,
  relatives: Relatives,
): Promise<void> {
  const { power } = task.driver;
  const { reaches, soft: isSoft, skippedWhenThere } = powerTargets[target];
  checkMayPowerOff(node.record, target);
  const isThere = skippedWhenThere && (await power.getPowerState(task)) === reaches;
  const isKnown = Object.keys(forgetAgent(node.record)).some(
    (name) => name in node.record.driver_internal_info,
  );
  const endsAgent = isKnown && !(target === 'power on' && isThere);
  if (endsAgent) await node.commit({ columns: { driver_internal_info: forgetAgent(node.record) } });
  if (!isThere) {
    const { soft_power_off_timeout: soft, power_state_change_timeout: hard } = parts.settings.conductor;
    const limit = timeoutSeconds ?? (isSoft ? soft : hard);
    await tellingOfIt(parts, node, task, target, async () => {
      await powerFamilyFirst(node.record, target, relatives);
      task.signal.throwIfAborted();
      await power.setPowerState(task, target, { timeoutSeconds: limit });
    });
  }
  if (node.record.power_state === reaches && isThere) return;
  await node.commit({
    columns: {
      power_state: reaches,
      // Once more: a heartbeat may have come in while the machine went down. One that is on may have a new agent.
      driver_internal_info: reaches === 'power off' ? forgetAgent(node.record) : {},
    },
    tell: [{ kind: 'power.changed', data: { target, power_state: reaches } }],
  });
}

/** Notes the beginning and the failure of a power action where notifications tell of them: they cost a commit each. */
async function tellingOfIt(
  { settings }: ConductorParts,
  node: LockedNode,
  { signal }: Task,
  target: PowerTarget,
  act: () => Promise<void>,
): Promise<void> {
  if (!areSent(settings)) return await act();
  await node.commit({ tell: [{ kind: 'power.changing', data: { target } }] });
  try {
    await act();
  } catch (error) {
    const failed = { kind: 'power.failed', data: { target, error: messageOf(error) } } as const;
    // Whoever lost the node has nothing to tell of it; that it was lost, the next commit will find too.
    if (!signal.aborted) await node.commit({ tell: [failed] }).catch(() => {});
    throw error;
  }
}

/** Throws InvalidState for a target that would leave a machine off which is never to be. */
export function checkMayPowerOff(node: NodeRecord, target: PowerTarget): void {
  if (node.disable_power_off && powerTargets[target].reaches === 'power off')
    throw new InvalidState(`Node ${node.uuid} must not be powered off: disable_power_off is set on it`);
}
