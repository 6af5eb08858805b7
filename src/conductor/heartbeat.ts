import { timingSafeEqual } from 'node:crypto';
import { readNode, updateNode } from '#db/nodes.ts';
import { readOpenOperation } from '#db/operations.ts';
import { wireTime } from '#model/clock.ts';
import { InvalidParameterValue, NodeLocked, NodeNotFound } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { isWaiting, stateRow } from '#model/provision-states.ts';
import type { ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import type { Operations } from './operations/operations.ts';
import type { ConductorParts } from './parts.ts';

/**
 * What an agent's sign of life means: it is noted, and an operation that waits for the agent goes on. Throws
 * InvalidParameterValue for a token, address or certificate that is not the node's (agent-api heartbeat.checks_in_order).
 */
export async function heartbeat(
  parts: ConductorParts,
  operations: Operations,
  args: ConductorCalls['heartbeat']['args'],
  context: RequestContext,
): Promise<void> {
  const known = await readNode(parts.store.read, args.node);
  if (!known) throw new NodeNotFound({ node: args.node });
  // Anybody may send one: what is refused must not keep those who write waiting.
  checkHeartbeat(parts, known, args);
  const now = wireTime(parts.clock.now());
  const columns = {
    driver_internal_info: {
      agent_url: args.callbackUrl,
      agent_last_heartbeat: now,
      ...(args.agentVersion === null ? {} : { agent_version: args.agentVersion }),
      ...(args.agentVerifyCa === null ? {} : { agent_verify_ca: args.agentVerifyCa }),
      agent_status: args.agentStatus,
      agent_status_message: args.agentStatusMessage,
    },
  };
  // Noted first: a step that holds the node looks for it when it gives the node back, so none is ever missed.
  const noted = await parts.store.write(async (transaction) => {
    const node = await readNode(transaction, args.node);
    if (!node) throw new NodeNotFound({ node: args.node });
    // Once more: an agent whose token a step has taken away since is one that was turned off.
    checkHeartbeat(parts, node, args);
    // A machine that gives signs of life is not one that never came back.
    const sign = isWaiting(node.provision_state) ? { provision_updated_at: now } : {};
    return await updateNode(transaction, node.uuid, { ...columns, ...sign });
  });
  if (noted) parts.metrics?.count('ingot_heartbeats_total', {});
  if (!noted || !continuesFlow(noted)) return;
  if (noted.maintenance && !parts.settings.conductor.allow_provisioning_in_maintenance)
    return await endInMaintenance(parts, operations, noted, context);
  await wakeIfFree(operations, noted, context);
}

function continuesFlow(node: NodeRecord): boolean {
  const meaning = stateRow(node.provision_state).heartbeat;
  return meaning.startsWith('continue') || meaning === 'finish rescue';
}

/** While another holds the node, as for a change of its power, what waits for the agent goes on when it is given back. */
async function wakeIfFree(
  operations: Operations,
  { uuid, reservation }: NodeRecord,
  context: RequestContext,
): Promise<void> {
  if (reservation !== null) return operations.wakeWhenFree(uuid);
  try {
    await operations.wake(uuid, context);
  } catch (error) {
    if (!(error instanceof NodeLocked)) throw error;
    operations.wakeWhenFree(uuid);
  }
}

/** agent-api heartbeat.maintenance: with [conductor]allow_provisioning_in_maintenance off, the operation fails. */
async function endInMaintenance(
  { store }: ConductorParts,
  operations: Operations,
  { uuid }: NodeRecord,
  context: RequestContext,
): Promise<void> {
  const operation = await readOpenOperation(store.read, uuid);
  if (operation?.state !== 'waiting') return;
  const error =
    'The agent was heard of while the node is in maintenance, in which nothing goes on: [conductor]allow_provisioning_in_maintenance is off.';
  await operations
    .endWaiting(operation, context, error, { aborted: false, applies: ({ maintenance }) => maintenance })
    .catch((reason: unknown) => {
      // Somebody holds the node: the next sign of life is soon enough.
      if (!(reason instanceof NodeLocked)) throw reason;
    });
}

function checkHeartbeat(
  parts: ConductorParts,
  node: NodeRecord,
  args: ConductorCalls['heartbeat']['args'],
): void {
  if (args.agentVersion === null && args.agentStatus === null) {
    throw new InvalidParameterValue('A heartbeat names its agent_version');
  }
  const { agent_secret_token: token, agent_verify_ca: certificate } = node.driver_internal_info;
  if (typeof token !== 'string' || args.agentToken === null || !isSame(token, args.agentToken)) {
    throw new InvalidParameterValue(`The agent token of the heartbeat is not the one of node ${node.uuid}`);
  }
  if (
    parts.settings.agent.require_tls &&
    args.callbackUrl !== '' &&
    !args.callbackUrl.startsWith('https://')
  ) {
    throw new InvalidParameterValue(
      'The callback_url of a heartbeat must be https: [agent]require_tls is set',
    );
  }
  if (typeof certificate === 'string' && args.agentVerifyCa !== null && certificate !== args.agentVerifyCa) {
    throw new InvalidParameterValue(
      `The agent of node ${node.uuid} came with another certificate than before`,
    );
  }
}

function isSame(known: string, given: string): boolean {
  const [a, b] = [Buffer.from(known), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
