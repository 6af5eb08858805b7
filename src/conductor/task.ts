import { readChildNodes, readNode } from '#db/nodes.ts';
import { readPortsOfNode } from '#db/ports.ts';
import { composeDriver } from '#drivers/compose.ts';
import type { LookingTask, NodeChanges, StepFlow, StepTask, Task } from '#drivers/task.ts';
import { InvalidState, NodeNotFound } from '#model/faults.ts';
import { type Log, logWith } from '#model/log.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import type { Relatives } from './power/family-power.ts';
import { type LockedNode, lockNode } from './lock/locked-node.ts';
import type { ConductorParts } from './parts.ts';
import { setPower } from './power/set-power.ts';

/** A task on a node that is held; its saves go through the lock. */
export async function taskOf(
  parts: ConductorParts,
  node: LockedNode,
  signal: AbortSignal,
  log: Log = node.log,
): Promise<Task> {
  const driver = composeDriver(parts.registry, node.record);
  const ports = await readPortsOfNode(parts.store.read, node.uuid);
  const task: Task = {
    get node() {
      return node.record;
    },
    ports,
    driver,
    settings: parts.settings,
    clock: parts.clock,
    log,
    ...(parts.agentExchange ? { agentExchange: parts.agentExchange } : {}),
    signal,
    save: async (changes) => await node.commit({ columns: columnsOf(changes) }),
    setPower: async (target, options = {}) =>
      await setPower(parts, node, task, target, options.timeoutSeconds, relativesOf(parts, node, signal)),
  };
  return task;
}

function relativesOf(parts: ConductorParts, node: LockedNode, signal: AbortSignal): Relatives {
  return {
    children: async () => await readChildNodes(parts.store.read, node.uuid),
    look: async (uuid) => await readingTask(parts, uuid, signal, node.context),
    async hold(uuid) {
      const held = await lockNode(parts, uuid, node.context);
      const task = await taskOf(parts, held, signal);
      return { task, [Symbol.asyncDispose]: async () => await held[Symbol.asyncDispose]() };
    },
  };
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
export async function readingTask(
  parts: ConductorParts,
  uuid: string,
  signal: AbortSignal,
  context?: RequestContext,
): Promise<Task> {
  const node = await readNode(parts.store.read, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  return {
    ...lookingTask(parts, node, signal, context),
    ports: await readPortsOfNode(parts.store.read, uuid),
  };
}

/** The same for a node that was read already, without its ports. Asks the store nothing. */
export function lookingTask(
  parts: ConductorParts,
  node: NodeRecord,
  signal: AbortSignal,
  context?: RequestContext,
): LookingTask {
  const refuse = async (): Promise<never> => {
    throw new InvalidState(`Node ${node.uuid} is only being read; nothing may be saved to it`);
  };
  return {
    node,
    driver: composeDriver(parts.registry, node),
    settings: parts.settings,
    clock: parts.clock,
    log: logWith(parts.log, { node: node.uuid, ...(context && { request: context.requestId }) }),
    ...(parts.agentExchange ? { agentExchange: parts.agentExchange } : {}),
    signal,
    save: refuse,
    setPower: refuse,
  };
}

export function columnsOf(changes: NodeChanges): Partial<NodeRecord> {
  // Drivers name states as strings of the published sets; the columns hold those sets.
  return changes as Partial<NodeRecord>;
}
