import { readNode } from '#db/nodes.ts';
import { readOpenOperation, updateOperation } from '#db/operations.ts';
import { InvalidParameterValue, NodeLocked, NodeNotFound } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import { accept, checkAllowed, checkEvent, notFrom } from './accept.ts';
import { cleansAutomatically } from './flows/tear-down.ts';
import { changeFreeNode } from './locked-node.ts';
import type { ConductorParts } from './parts.ts';
import { adopt, provide as provideByCleaning, provideAtOnce, verify } from './verbs.ts';
import type { ConductorWorkings } from './workings.ts';

/** manage, provide, adopt, abort: those that are not an operation, or begin one without parameters. */
export async function provisioningAction(
  workings: ConductorWorkings,
  args: ConductorCalls['do_provisioning_action']['args'],
  context: RequestContext,
): Promise<void> {
  switch (args.action) {
    case 'manage':
      return await manage(workings, args.node, context);
    case 'provide':
      return await provide(workings, args.node, context);
    case 'adopt':
      return await accept(workings, args.node, adopt, context);
    case 'abort':
      return await abort(workings, args.node, context);
    default:
      throw new InvalidParameterValue(`There is no provisioning action '${args.action}'`);
  }
}

/** From `enroll` by way of verifying; elsewhere it only moves. */
async function manage(workings: ConductorWorkings, uuid: string, context: RequestContext): Promise<void> {
  const { parts } = workings;
  const node = await existingNode(parts, uuid);
  if (node.provision_state === 'enroll') return await accept(workings, uuid, verify, context);
  await changeFreeNode(parts, uuid, context, (record) => {
    // It was somewhere else a moment ago, and without verifying it goes nowhere from there.
    if (record.provision_state === 'enroll') throw notFrom(record, 'manage');
    checkEvent(record, 'manage');
    return { raise: ['manage'] };
  });
}

/** Into `available`: through cleaning, or at once where the node or the configuration has it off. */
async function provide(workings: ConductorWorkings, uuid: string, context: RequestContext): Promise<void> {
  const { parts } = workings;
  const node = await existingNode(parts, uuid);
  if (cleansAutomatically(node, parts.settings))
    return await accept(workings, uuid, provideByCleaning, context);
  await changeFreeNode(parts, uuid, context, async (record, transaction) => {
    await checkAllowed(parts, transaction, record, provideAtOnce);
    return { raise: ['provide', 'done'], columns: { last_error: null } };
  });
}

async function existingNode({ store }: ConductorParts, uuid: string): Promise<NodeRecord> {
  const node = await readNode(store.read, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  return node;
}

/** In a wait: at once, or when the running step ends if it cannot be aborted. */
async function abort(
  { parts, operations }: ConductorWorkings,
  uuid: string,
  context: RequestContext,
): Promise<void> {
  const operation = await readOpenOperation(parts.store.read, uuid);
  if (operation?.state !== 'waiting') {
    // Without an operation that waits, only `service failed` knows an abort.
    await changeFreeNode(parts, uuid, context, (node) => {
      checkEvent(node, 'abort');
      return { raise: ['abort'], columns: { last_error: null } };
    });
    return;
  }
  const step = operation.steps[operation.cursor];
  if (step && step.origin !== 'flow' && !step.abortable) {
    await parts.store.write(async (transaction) => {
      const now = await readOpenOperation(transaction, uuid);
      if (now?.state !== 'waiting') throw new NodeLocked({ node: uuid, host: operation.owner });
      await updateOperation(transaction, now.id, { abort_requested: true });
    });
    return;
  }
  const error =
    `By request, the ${operation.kind} operation was aborted` +
    (step ? ` during ${step.interface}.${step.step}` : '');
  await operations.endWaiting(operation, context, error, { aborted: true });
}
