import { readNode } from '#db/nodes.ts';
import { readPortsOfNode } from '#db/ports.ts';
import { composeDriver } from '#drivers/compose.ts';
import type { Driver } from '#drivers/define.ts';
import type { NodeChanges, StepFlow, StepTask, Task } from '#drivers/task.ts';
import { InvalidState, NodeNotFound } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { PortRecord } from '#model/port-record.ts';
import type { PowerTarget } from '#model/power-states.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { LockedNode } from './locked-node.ts';
import type { ConductorParts } from './parts.ts';

/** A task on a node that is held; its saves go through the lock. */
export async function taskOf(parts: ConductorParts, node: LockedNode, signal: AbortSignal): Promise<Task> {
  const driver = composeDriver(parts.registry, node.record);
  const ports = await readPortsOfNode(parts.store.read, node.uuid);
  return heldTask(parts, node, driver, ports, signal);
}

function heldTask(
  parts: ConductorParts,
  node: LockedNode,
  driver: Driver,
  ports: readonly PortRecord[],
  signal: AbortSignal,
): Task {
  const task: Task = {
    get node() {
      return node.record;
    },
    ports,
    driver,
    settings: parts.settings,
    clock: parts.clock,
    log: parts.log,
    signal,
    save: async (changes) => await node.commit({ columns: columnsOf(changes) }),
    setPower: async (target, options = {}) =>
      await setPower(parts, node, task, target, options.timeoutSeconds),
  };
  return task;
}

/** The same task for one run of a step of an operation. */
export function stepTaskOf(
  task: Task,
  node: LockedNode,
  operation: OperationRecord,
  flow: StepFlow,
): StepTask {
  // Accessors of the task stay alive in the new object.
  return Object.defineProperties({} as StepTask, {
    ...Object.getOwnPropertyDescriptors(task),
    ...Object.getOwnPropertyDescriptors({
      operationId: operation.id,
      flow,
      attempt: operation.attempt,
      get memo() {
        return operation.memo;
      },
      get remainingSteps() {
        return operation.steps.slice(operation.cursor + 1);
      },
      get agentHeardAt() {
        return agentHeardAt(node.record);
      },
      async note(memo: Record<string, unknown>) {
        const merged = { ...operation.memo, ...memo };
        await node.commit({ operation: { id: operation.id, changes: { memo: merged } } });
        operation.memo = merged;
      },
    }),
  });
}

/** When the agent of the current boot was last heard of, in milliseconds since the epoch. */
export function agentHeardAt(node: NodeRecord): number | null {
  const at = node.driver_internal_info['agent_last_heartbeat'];
  return typeof at === 'string' ? Date.parse(at) : null;
}

/** A task for looking only: on a node that nobody needs to hold. Its saves are refused. */
export async function readingTask(parts: ConductorParts, uuid: string, signal: AbortSignal): Promise<Task> {
  const node = await readNode(parts.store.read, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  const refuse = async (): Promise<never> => {
    throw new InvalidState(`Node ${uuid} is only being read; nothing may be saved to it`);
  };
  return {
    node,
    ports: await readPortsOfNode(parts.store.read, uuid),
    driver: composeDriver(parts.registry, node),
    settings: parts.settings,
    clock: parts.clock,
    log: parts.log,
    signal,
    save: refuse,
    setPower: refuse,
  };
}

export function columnsOf(changes: NodeChanges): Partial<NodeRecord> {
  // Drivers name states as strings of the published sets; the columns hold those sets.
  return changes as Partial<NodeRecord>;
}

/** What is known of an agent that no longer runs (rpc-and-conductor `power_actions.wipes_on_off_or_reboot`). */
function factsOfAgent({ driver_internal_info: known }: NodeRecord): string[] {
  const facts = ['agent_url', 'agent_last_heartbeat', 'agent_version', 'agent_verify_ca', 'agent_status'];
  return known['agent_secret_token_pregenerated'] === true ? facts : [...facts, 'agent_secret_token'];
}

function forgetAgent(node: NodeRecord): Record<string, null> {
  return Object.fromEntries(factsOfAgent(node).map((name) => [name, null]));
}

/** See Task.setPower. */
async function setPower(
  parts: ConductorParts,
  node: LockedNode,
  task: Task,
  target: PowerTarget,
  timeoutSeconds: number | undefined,
): Promise<void> {
  const { power } = task.driver;
  const isOff = target === 'power off' || target === 'soft power off';
  if (isOff && node.record.disable_power_off) {
    throw new InvalidState(`Node ${node.uuid} must not be powered off: disable_power_off is set on it`);
  }
  const result = isOff ? 'power off' : 'power on';
  const isThere = !target.endsWith('rebooting') && (await power.getPowerState(task)) === result;
  const isKnown = factsOfAgent(node.record).some((name) => name in node.record.driver_internal_info);
  const endsAgent = isKnown && !(target === 'power on' && isThere);
  if (endsAgent) await node.commit({ columns: { driver_internal_info: forgetAgent(node.record) } });
  if (!isThere) {
    const { soft_power_off_timeout: soft, power_state_change_timeout: hard } = parts.settings.conductor;
    const limit = timeoutSeconds ?? (target.startsWith('soft') ? soft : hard);
    await power.setPowerState(task, target, { timeoutSeconds: limit });
  }
  if (node.record.power_state === result && isThere) return;
  await node.commit({
    columns: {
      power_state: result,
      // Once more: a heartbeat may have come in while the machine went down. One that is on may have a new agent.
      driver_internal_info: isOff ? forgetAgent(node.record) : {},
    },
    tell: [{ kind: 'power.changed', data: { target, power_state: result } }],
  });
}
