import { isDeepStrictEqual } from 'node:util';
import { violatedColumn } from '#db/constraint.ts';
import { addEvent } from '#db/events.ts';
import { keepNode } from '#db/nodes.ts';
import { deletePort, insertPort, readPort, updatePort as writePort } from '#db/ports.ts';
import type { Transaction } from '#db/store.ts';
import { wireTime } from '#model/clock.ts';
import {
  InvalidState,
  MACAlreadyExists,
  NodeLocked,
  NodeNotFound,
  PortAlreadyExists,
  PortDuplicateName,
  PortNotFound,
} from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { NewPort, PortPatch, PortRecord } from '#model/port-record.ts';
import { portChangeStates } from '#model/provision-states.ts';
import { portSubject } from '#notifications/subject.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { Held, whenFree } from '../lock/when-free.ts';
import type { ConductorParts } from '../parts.ts';

/** Stores a new port of a node that nobody holds. Throws MACAlreadyExists and its like for what is taken. */
export async function createPort(
  parts: ConductorParts,
  port: NewPort,
  context: RequestContext,
): Promise<PortRecord> {
  return await namingDuplicates(port, async () => {
    return await onFreeNode(parts, port.node_uuid, async (transaction) => {
      const stored = await insertPort(transaction, { ...port, created_at: wireTime(parts.clock.now()) });
      await tellOfPort(parts, transaction, 'port.created', stored, context);
      return stored;
    });
  });
}

/**
 * Changes a port. Gives null, with nothing changed, when it is no longer as `seen` says, from which the patch was
 * made. Throws InvalidState for what the node's state does not allow.
 */
export async function updatePort(
  parts: ConductorParts,
  uuid: string,
  patch: PortPatch,
  seen: PortPatch | undefined,
  context: RequestContext,
): Promise<PortRecord | null> {
  const before = await readPort(parts.store.read, uuid);
  if (!before) throw new PortNotFound({ port: uuid });
  return await namingDuplicates({ uuid, ...patch }, async () => {
    return await onFreeNode(parts, before.node_uuid, async (transaction, node) => {
      const now = await readPort(transaction, uuid);
      if (now && !isDeepStrictEqual({ ...now, ...seen }, now)) return null;
      checkPatch(node, before, patch);
      await checkNewNode(transaction, node, patch);
      const changes = { ...patch, updated_at: wireTime(parts.clock.now()) };
      const port = await writePort(transaction, uuid, changes);
      if (!port) throw new PortNotFound({ port: uuid });
      await tellOfPort(parts, transaction, 'port.updated', port, context);
      return port;
    });
  });
}

export async function destroyPort(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
): Promise<void> {
  const port = await readPort(parts.store.read, uuid);
  if (!port) throw new PortNotFound({ port: uuid });
  await onFreeNode(parts, port.node_uuid, async (transaction, node) => {
    if (attachedVif(port) && !node.maintenance) {
      throw new InvalidState(
        `Port ${uuid} of node ${node.uuid} has a VIF attached; detach it first, or set the node to maintenance`,
      );
    }
    await deletePort(transaction, uuid);
    await tellOfPort(parts, transaction, 'port.deleted', port, context);
  });
}

async function tellOfPort(
  { settings, clock }: ConductorParts,
  transaction: Transaction,
  kind: 'port.created' | 'port.updated' | 'port.deleted',
  port: PortRecord,
  { requestId: request_id }: RequestContext,
): Promise<void> {
  const { uuid, address, node_uuid } = port;
  const event = { at: wireTime(clock.now()), kind, node_uuid, operation_id: null, request_id };
  await addEvent(transaction, { ...event, data: { port: uuid, address } }, portSubject(settings, port));
}

/** A port that moves goes to a node that is there and that nobody holds either. */
async function checkNewNode(transaction: Transaction, from: NodeRecord, patch: PortPatch): Promise<void> {
  const { node_uuid: to } = patch;
  if (to === undefined || to === from.uuid) return;
  const node = await readFirmly(transaction, to);
  if (node.reservation !== null) throw new NodeLocked({ node: to, host: node.reservation });
}

/** The node as it stays until the commit: who takes or removes it meanwhile is not overlooked. */
async function readFirmly(transaction: Transaction, uuid: string): Promise<NodeRecord> {
  const node = await keepNode(transaction, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  return node;
}

const attachedVif = (port: PortRecord): boolean => 'tenant_vif_port_id' in port.internal_info;

/** Fields that say how a machine is cabled: not to be changed under an instance (ironic conductor/manager.py update_port). */
const connectivityFields = [
  'local_link_connection',
  'physical_network',
  'portgroup_uuid',
  'pxe_enabled',
  'is_smartnic',
] as const;

function checkPatch(node: NodeRecord, port: PortRecord, patch: PortPatch): void {
  if (node.maintenance) return;
  if (
    connectivityFields.some((field) => field in patch) &&
    !portChangeStates.includes(node.provision_state)
  ) {
    throw new InvalidState(
      `How port ${port.uuid} is connected can be changed while node ${node.uuid} is in maintenance or in the states ` +
        `${portChangeStates.join(', ')}; it is in '${node.provision_state}'`,
    );
  }
  const isUsed = node.instance_uuid !== null || node.provision_state === 'active';
  if (patch.address !== undefined && patch.address !== port.address && isUsed) {
    throw new InvalidState(
      `The MAC address of port ${port.uuid} cannot be changed while node ${node.uuid} has an instance`,
    );
  }
}

async function onFreeNode<T>(
  parts: ConductorParts,
  nodeUuid: string,
  change: (transaction: Transaction, node: NodeRecord) => Promise<T>,
): Promise<T> {
  return await whenFree(parts, nodeUuid, async () => {
    return await parts.store.write(async (transaction) => {
      const node = await readFirmly(transaction, nodeUuid);
      return node.reservation === null ? await change(transaction, node) : new Held(node.reservation);
    });
  });
}

async function namingDuplicates<T>(port: PortPatch & { uuid: string }, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    switch (violatedColumn(error)) {
      case 'ports.uuid':
        throw new PortAlreadyExists({ uuid: port.uuid }, { cause: error });
      case 'ports.address':
        throw new MACAlreadyExists({ mac: port.address ?? '' }, { cause: error });
      case 'ports.name':
        throw new PortDuplicateName({ name: port.name ?? '' }, { cause: error });
      default:
        throw error;
    }
  }
}
