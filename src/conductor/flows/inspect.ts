import { putInventory, readInventory } from '#db/inventory.ts';
import { insertPort, readPortsByAddress } from '#db/ports.ts';
import type { Transaction } from '#db/store.ts';
import type { InspectionResult, InspectionWait } from '#drivers/interfaces/inspect.ts';
import type { StepTask } from '#drivers/task.ts';
import { wireTime } from '#model/clock.ts';
import { NodeInventoryNotFound } from '#model/faults.ts';
import type { ConductorParts } from '../parts.ts';
import { type Flow, type FlowRun, flowStep, type OwnStepOutcome } from './flow.ts';

/**
 * Ensures: what the machine is made of stands on the node: properties, ports, inventory.
 * When: `inspect`. Not its business: comparing it with what was known before.
 */
export const inspect: Flow = {
  kind: 'inspect',
  stepFlow: 'inspect',
  stepField: null,
  plan: () => [flowStep('inspect', true), flowStep('finish_inspection')],
  own: {
    inspect: inspectOnce,
    async finish_inspection(task) {
      await task.driver.inspect.finish?.(task);
      return { kind: 'done' };
    },
  },
  finish: ({ now }) => ({
    raise: ['done'],
    columns: { last_error: null, inspection_started_at: null, inspection_finished_at: now },
  }),
  fail: ({ error }) => ({
    raise: ['fail'],
    columns: { last_error: error },
    history: { severity: 'ERROR', type: 'introspection', event: error },
  }),
  async cleanUp(task) {
    await task.driver.inspect.abort?.(task);
  },
};

/** What the agent sent is stored by the call that brought it, and noted as `received`; then the step runs again. */
async function inspectOnce(task: StepTask, { parts }: FlowRun): Promise<OwnStepOutcome> {
  const { inspect: driver } = task.driver;
  if (task.memo['received'] !== true || !driver.continueInspection) {
    const result = await driver.inspect(task);
    return 'kind' in result ? waiting(task, parts, result) : stored(task, parts, result);
  }
  const sent = await readInventory(parts.store.read, task.node.uuid);
  if (!sent) throw new NodeInventoryNotFound({ node: task.node.uuid });
  const result = await driver.continueInspection(task, {
    inventory: sent.inventory,
    pluginData: sent.plugin_data,
  });
  return stored(task, parts, result);
}

/** The ports are stored before the agent comes, which is looked up by their addresses. */
function waiting(
  task: StepTask,
  parts: ConductorParts,
  { ports = [], ...outcome }: InspectionWait,
): OwnStepOutcome {
  const now = wireTime(task.clock.now());
  return {
    ...outcome,
    also: async (transaction) => await addMissingPorts(transaction, parts, task.node.uuid, ports, now),
  };
}

function stored(task: StepTask, parts: ConductorParts, result: InspectionResult): OwnStepOutcome {
  const now = wireTime(task.clock.now());
  return {
    kind: 'done',
    changes: result.changes,
    also: async (transaction) => {
      await addMissingPorts(transaction, parts, task.node.uuid, result.ports, now);
      if (!result.inventory) return;
      const found = { inventory: result.inventory, plugin_data: result.pluginData ?? {} };
      await putInventory(transaction, task.node.uuid, found, now);
    },
  };
}

/** A MAC address that any node already has stays where it is: the operator decides whose it is. */
async function addMissingPorts(
  transaction: Transaction,
  parts: ConductorParts,
  nodeUuid: string,
  ports: InspectionResult['ports'],
  now: string,
): Promise<void> {
  const addresses = ports.map((port) => port.address.toLowerCase());
  const known = new Set((await readPortsByAddress(transaction, addresses)).map((port) => port.address));
  for (const port of ports) {
    const address = port.address.toLowerCase();
    if (known.has(address)) continue;
    known.add(address);
    const uuid = parts.random.uuid();
    await insertPort(transaction, { ...port, address, uuid, node_uuid: nodeUuid, created_at: now });
  }
}
