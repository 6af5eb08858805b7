import { readNode } from '#db/nodes.ts';
import { readOpenOperation, updateOperation } from '#db/operations.ts';
import { InvalidParameterValue, NodeLocked, NodeNotFound, NothingToCancel } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { canBeCancelled, waitsToBegin } from '#protocol/cancel.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import { accept, checkAllowed, checkEvent, notFrom } from './accept.ts';
import { cleansAutomatically } from '../flows/tear-down.ts';
import { changeFreeNode } from '../lock/locked-node.ts';
import type { ConductorParts } from '../parts.ts';
import type { NodeCommit } from '../lock/node-commit.ts';
import { agentHeardAt } from '../task.ts';
import { adopt, leaveService, provide as provideByCleaning, provideAtOnce, verify } from './verbs.ts';
import type { ConductorWorkings } from '../workings.ts';

/** manage, provide, adopt, abort, unhold: those that are not an operation, or begin one without parameters. */
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
    case 'unhold':
      return await unhold(workings, args.node, context);
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
  await changeFreeNode(parts, uuid, context, (record) => {
    checkAllowed(parts, record, provideAtOnce);
    return { raise: ['provide', 'done'], columns: { last_error: null } };
  });
}

async function existingNode({ store }: ConductorParts, uuid: string): Promise<NodeRecord> {
  const node = await readNode(store.read, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  return node;
}

/** In a wait or a hold: at once, or when the running step ends if it cannot be aborted. */
async function abort(workings: ConductorWorkings, uuid: string, context: RequestContext): Promise<void> {
  const operation = await readOpenOperation(workings.parts.store.read, uuid);
  // Without an operation that waits, only `service failed` knows an abort.
  if (operation?.state !== 'waiting') return await accept(workings, uuid, leaveService, context);
  await abortWaiting(workings, operation, context);
}

/**
 * As an abort, also where the node's state knows none: while the operation waits for its turn, or to be tried again.
 * Throws NothingToCancel, with nothing changed.
 */
export async function cancel(
  workings: ConductorWorkings,
  uuid: string,
  context: RequestContext,
): Promise<void> {
  const { parts } = workings;
  const node = await existingNode(parts, uuid);
  const operation = await readOpenOperation(parts.store.read, uuid);
  if (!operation) throw new NothingToCancel({ node: uuid, why: 'no operation is under way' });
  const { kind, state } = operation;
  if (!canBeCancelled(operation, node))
    throw new NothingToCancel({
      node: uuid,
      why:
        state === 'waiting'
          ? `the ${kind} has begun, and '${node.provision_state}' knows no abort`
          : `the ${kind} is at work, and can be cancelled when it waits`,
    });
  if (await abortWaiting(workings, operation, context)) return;
  throw new NothingToCancel({ node: uuid, why: `the ${kind} went on at that moment` });
}

/** False, with nothing changed, when the operation waits no more. */
async function abortWaiting(
  { parts, operations }: ConductorWorkings,
  operation: OperationRecord,
  context: RequestContext,
): Promise<boolean> {
  const { node_uuid: uuid } = operation;
  // While it waits to begin, the step at the cursor is nothing that could be interrupted.
  const step = waitsToBegin(operation) ? undefined : operation.steps[operation.cursor];
  if (step && step.origin !== 'flow' && !step.abortable) {
    await parts.store.write(async (transaction) => {
      const now = await readOpenOperation(transaction, uuid);
      if (now?.state !== 'waiting') throw new NodeLocked({ node: uuid, host: operation.owner });
      await updateOperation(transaction, now.id, { abort_requested: true });
    });
    return true;
  }
  const error =
    `By request, the ${operation.kind} operation was aborted` +
    (step ? ` during ${step.interface}.${step.step}` : '');
  return await operations.endWaiting(operation, context, error, { aborted: true });
}

/**
 * Lets go of a node that a step holds. Where an agent runs, its next sign of life goes on with the flow, except in
 * service; where none does, nobody would ever come, so the flow goes on at once (ironic conductor/manager.py, 2026.2).
 */
async function unhold(workings: ConductorWorkings, uuid: string, context: RequestContext): Promise<void> {
  const { parts, operations } = workings;
  const node = await existingNode(parts, uuid);
  const released = { released: true };
  if (node.provision_state === 'service hold' || agentHeardAt(node) === null) {
    const raise: NodeCommit['raise'] = ['unhold', 'resume'];
    const woken = await operations.wake(uuid, context, { raise }, released);
    if (!woken) throw notFrom(node, 'unhold');
    return;
  }
  await changeFreeNode(parts, uuid, context, async (record, transaction) => {
    checkEvent(record, 'unhold');
    const operation = await readOpenOperation(transaction, uuid);
    if (operation?.wait?.for !== 'hold') throw notFrom(record, 'unhold');
    const memo = { ...operation.memo, ...released };
    return { raise: ['unhold'], operation: { id: operation.id, changes: { wait: { for: 'agent' }, memo } } };
  });
}
