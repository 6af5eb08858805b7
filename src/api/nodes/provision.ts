// PUT /v1/nodes/{node}/states/provision: asks for the next thing to happen to a machine.
import { readNode } from '#db/nodes.ts';
import { InvalidParameterValue, NodeNotFound } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { AskedStep } from '#protocol/operation.ts';
import { Arguments } from '../arguments.ts';
import { type Answer, accepted, type Call } from '../call.ts';
import { findNodeForVerb } from './states-node.ts';
import { planProvision, type ProvisionRequest } from './provision-request.ts';
import { statesLocation } from './states.ts';

const names: ReadonlySet<string> = new Set([
  'target',
  'configdrive',
  'clean_steps',
  'deploy_steps',
  'service_steps',
  'rescue_password',
  'disable_ramdisk',
  'runbook',
]);

export async function setProvisionState(call: Call): Promise<Answer> {
  const given = Arguments.of(call, names).require('target');
  const request: ProvisionRequest = {
    target: given.text('target'),
    configdrive: given.textOrObject('configdrive'),
    clean_steps: given.list('clean_steps'),
    deploy_steps: given.list('deploy_steps'),
    service_steps: given.list('service_steps'),
    rescue_password: given.text('rescue_password'),
    disable_ramdisk: given.boolean('disable_ramdisk'),
    runbook: given.text('runbook'),
  };
  const node = await findNodeForVerb(call);
  const { api } = call.parts.settings;
  const { name, args } = planProvision(request, node, call.minor, {
    clean: api.disallow_clean_steps,
    deploy: api.disallow_deploy_steps,
    service: api.disallow_service_steps,
  });
  // Whoever may move a node through its states may not for that alone choose what is done to it on the way.
  for (const kind of ['clean_steps', 'service_steps'] as const)
    if (request[kind] !== null) await call.check(`baremetal:node:set_provision_state:${kind}`);
  await checkChildren(call, node, 'steps' in args ? args.steps : undefined);
  await call.conductorOf(node, name, { ...args, node: node.uuid });
  return accepted(statesLocation(call));
}

/** Throws NodeNotFound or InvalidParameterValue for a node named in a step that is no child of this one. */
async function checkChildren(call: Call, node: NodeRecord, steps: readonly AskedStep[] = []): Promise<void> {
  for (const uuid of new Set(steps.flatMap((step) => step.onChildren ?? []))) {
    const child = await readNode(call.parts.store.read, uuid);
    if (!child) throw new NodeNotFound({ node: uuid });
    if (child.parent_node !== node.uuid)
      throw new InvalidParameterValue(`Node ${uuid} is no child of node ${node.uuid}`);
  }
}
