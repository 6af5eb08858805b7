import { isDeepStrictEqual } from 'node:util';
import { violatedColumn } from '#db/constraint.ts';
import { addEvent } from '#db/events.ts';
import { deleteNode, insertNode, readNode } from '#db/nodes.ts';
import { defaultInterfaces, interfacesAfterPatch } from '#drivers/compose.ts';
import { wireTime } from '#model/clock.ts';
import {
  DuplicateName,
  InstanceAssociated,
  InvalidState,
  NodeAlreadyExists,
  NodeAssociated,
  NodeNotFound,
  NodeProtected,
} from '#model/faults.ts';
import type { NewNode, NodePatch, NodeRecord } from '#model/node-record.ts';
import { interfaceTypes } from '#model/power-states.ts';
import { interfaceChangeStates, isDeleteAllowed } from '#model/provision-states.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { nodeSubject } from '#notifications/subject.ts';
import { Held, whenFree } from '../lock/when-free.ts';
import { changeFreeNode } from '../lock/locked-node.ts';
import type { ConductorParts } from '../parts.ts';
import { checkRetryPolicy } from '../waits/retry-policy.ts';

/** Stores a new node with the interfaces its driver gives it. Throws what is wrong with driver, interfaces or names. */
export async function createNode(
  parts: ConductorParts,
  node: NewNode,
  context: RequestContext,
): Promise<NodeRecord> {
  checkRetryPolicy(node.driver_info ?? {});
  const { default_conductor_group, default_resource_class } = parts.settings.DEFAULT;
  const now = wireTime(parts.clock.now());
  const whole = {
    ...node,
    ...defaultInterfaces(parts.registry, node.driver, node),
    conductor_group: node.conductor_group ?? default_conductor_group,
    resource_class: node.resource_class ?? default_resource_class,
    created_at: now,
  };
  return await namingDuplicates(whole, async () => {
    return await parts.store.write(async (transaction) => {
      const stored = await insertNode(transaction, whole);
      const event = {
        at: now,
        kind: 'node.created',
        node_uuid: stored.uuid,
        operation_id: null,
        request_id: context.requestId,
        data: { driver: stored.driver, name: stored.name },
      } as const;
      await addEvent(transaction, event, nodeSubject(parts.settings, 'api', stored));
      return stored;
    });
  });
}

/**
 * Changes a node that nobody holds. Gives null, with nothing changed, when it is no longer as `seen` says: the patch
 * replaces whole fields, and would undo what others wrote in them. Throws what the node's state or its driver does
 * not allow.
 */
export async function updateNode(
  parts: ConductorParts,
  uuid: string,
  patch: NodePatch,
  options: { resetInterfaces: boolean; seen?: Partial<NodeRecord> },
  context: RequestContext,
): Promise<NodeRecord | null> {
  try {
    return await updateAsSeen(parts, uuid, patch, options, context);
  } catch (error) {
    if (error instanceof NotAsSeen) return null;
    throw error;
  }
}

class NotAsSeen extends Error {}

async function updateAsSeen(
  parts: ConductorParts,
  uuid: string,
  patch: NodePatch,
  options: { resetInterfaces: boolean; seen?: Partial<NodeRecord> },
  context: RequestContext,
): Promise<NodeRecord> {
  return await namingDuplicates({ uuid, ...patch }, async () => {
    return await changeFreeNode(parts, uuid, context, (node) => {
      if (!isDeepStrictEqual({ ...node, ...options.seen }, node)) throw new NotAsSeen();
      checkPatch(node, patch);
      const interfaces = changesDriver(patch)
        ? interfacesAfterPatch(parts.registry, node, patch, { reset: options.resetInterfaces })
        : {};
      const columns = { ...patch, ...interfaces, ...endOfMaintenance(node, patch) };
      return { columns, tell: [{ kind: 'node.updated', data: { fields: Object.keys(patch).toSorted() } }] };
    });
  });
}

function changesDriver(patch: NodePatch): boolean {
  return 'driver' in patch || interfaceTypes.some((type) => `${type}_interface` in patch);
}

function checkPatch(node: NodeRecord, patch: NodePatch): void {
  checkRetryPolicy(patch.driver_info ?? {});
  if (changesDriver(patch) && !node.maintenance && !interfaceChangeStates.includes(node.provision_state)) {
    throw new InvalidState(
      `The driver and interfaces of node ${node.uuid} can be changed in maintenance or in the states ` +
        `${interfaceChangeStates.join(', ')}; it is in '${node.provision_state}'`,
    );
  }
  const { instance_uuid: instance } = patch;
  if (instance && node.instance_uuid !== null && node.instance_uuid !== instance) {
    throw new NodeAssociated({ node: node.uuid, instance: node.instance_uuid });
  }
}

/** Out of maintenance, its reason and the fault that led to it are gone too. */
function endOfMaintenance(node: NodeRecord, patch: NodePatch): NodePatch {
  return patch.maintenance === false && node.maintenance ? { maintenance_reason: null, fault: null } : {};
}

/** Removes a node that nobody holds and nobody uses. */
export async function destroyNode(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
): Promise<void> {
  await whenFree(parts, uuid, async () => {
    return await parts.store.write(async (transaction) => {
      const node = await readNode(transaction, uuid);
      if (!node) throw new NodeNotFound({ node: uuid });
      if (node.reservation !== null) return new Held(node.reservation);
      checkDeletable(node, parts.settings.conductor.allow_deleting_available_nodes);
      const event = {
        at: wireTime(parts.clock.now()),
        kind: 'node.deleted',
        node_uuid: uuid,
        operation_id: null,
        request_id: context.requestId,
        data: { name: node.name },
      } as const;
      // While the node is there to say whose it is.
      await addEvent(transaction, event, nodeSubject(parts.settings, 'api', node));
      await deleteNode(transaction, uuid);
      return undefined;
    });
  });
}

function checkDeletable(node: NodeRecord, allowAvailable: boolean): void {
  if (node.protected) throw new NodeProtected({ node: node.uuid });
  if (node.maintenance) return;
  if (node.instance_uuid !== null) {
    throw new NodeAssociated({ node: node.uuid, instance: node.instance_uuid });
  }
  if (isDeleteAllowed(node.provision_state, { allowAvailable })) return;
  throw new InvalidState(
    `Node ${node.uuid} cannot be deleted while it is in the state '${node.provision_state}'; bring it to manageable or set maintenance`,
  );
}

/** Turns the database's word on a column that must be unique into the fault that a client knows. */
async function namingDuplicates<T>(node: NodePatch & { uuid: string }, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    switch (violatedColumn(error)) {
      case 'nodes.uuid':
        throw new NodeAlreadyExists({ uuid: node.uuid }, { cause: error });
      case 'nodes.name':
        throw new DuplicateName({ name: node.name ?? '' }, { cause: error });
      case 'nodes.instance_uuid':
        throw new InstanceAssociated(
          { instance_uuid: node.instance_uuid ?? '', node: node.uuid },
          { cause: error },
        );
      default:
        throw error;
    }
  }
}
