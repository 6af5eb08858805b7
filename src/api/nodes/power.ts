// PUT /v1/nodes/{node}/states/power: turns a machine on, off, or around.
import { Invalid, InvalidStateRequested, NotAcceptable } from '#model/faults.ts';
import { hasFeature } from '#model/microversion.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { isPowerTarget, powerForbiddenStates, powerTargets, type PowerTarget } from '#model/power-states.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import { Arguments } from '../arguments.ts';
import { type Answer, accepted, type Call } from '../call.ts';
import { findNodeForVerb } from './states-node.ts';
import { statesLocation } from './states.ts';

const names: ReadonlySet<string> = new Set(['target', 'timeout']);

export interface PowerRequest {
  target: string | null;
  timeoutSeconds: number | null;
}

/**
 * The target of a power request that may be passed on. Throws the fault a client is told: NotAcceptable for what
 * its version does not know, Invalid for a timeout below a second, InvalidStateRequested for a target that does
 * not exist or a node that is being cleaned.
 */
export function planPower(
  { target, timeoutSeconds }: PowerRequest,
  node: Pick<NodeRecord, 'uuid' | 'power_state' | 'provision_state'>,
  minor: number,
): PowerTarget {
  const known = isPowerTarget(target) ? powerTargets[target] : undefined;
  const needsSoft = known?.soft === true || (timeoutSeconds !== null && timeoutSeconds !== 0);
  if (needsSoft && !hasFeature(minor, 'softPower'))
    throw new NotAcceptable('Soft power targets and timeouts need at least API version 1.27.');
  if (timeoutSeconds !== null && timeoutSeconds < 1)
    throw new Invalid('timeout is to be at least one second.');
  if (!isPowerTarget(target))
    throw new InvalidStateRequested({
      action: target ?? 'None',
      node: node.uuid,
      state: node.power_state ?? 'None',
    });
  const forbidden: readonly ProvisionState[] = powerForbiddenStates;
  if (forbidden.includes(node.provision_state))
    throw new InvalidStateRequested({ action: target, node: node.uuid, state: node.provision_state });
  return target;
}

export async function setPower(call: Call): Promise<Answer> {
  const given = Arguments.of(call, names).require('target');
  const request = { target: given.text('target'), timeoutSeconds: given.integer('timeout') };
  const node = await findNodeForVerb(call);
  const target = planPower(request, node, call.minor);
  await call.conductorOf(node, 'change_node_power_state', {
    node: node.uuid,
    target,
    timeoutSeconds: request.timeoutSeconds,
  });
  return accepted(statesLocation(call));
}
