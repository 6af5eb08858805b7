// PUT /v1/nodes/{node}/states/boot_mode and secure_boot.
import { ClientSideError, Conflict, Invalid } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { isWaiting, isWorking } from '#model/provision-states.ts';
import { Arguments } from '../arguments.ts';
import { type Answer, accepted, type Call } from '../call.ts';
import { findNodeForVerb } from './states-node.ts';
import { statesLocation } from './states.ts';

const targetOnly: ReadonlySet<string> = new Set(['target']);
const bootModes: readonly (string | null)[] = ['bios', 'uefi'];

export async function setBootMode(call: Call): Promise<Answer> {
  const mode = Arguments.of(call, targetOnly).require('target').text('target');
  const node = await findNodeForVerb(call);
  refuseWhileBusy(node, 'boot mode');
  if (mode === null || !bootModes.includes(mode))
    throw new ClientSideError(`"${mode}" is no boot mode; there are bios and uefi.`);
  await call.conductorOf(node, 'change_node_boot_mode', { node: node.uuid, mode });
  return accepted(statesLocation(call));
}

export async function setSecureBoot(call: Call): Promise<Answer> {
  const enabled = Arguments.of(call, targetOnly).require('target').boolean('target');
  const node = await findNodeForVerb(call);
  refuseWhileBusy(node, 'secure boot');
  if (enabled === null) throw new Invalid('The target of secure_boot is to be true or false.');
  await call.conductorOf(node, 'change_node_secure_boot', { node: node.uuid, enabled });
  return accepted(statesLocation(call));
}

/** A change takes effect by a restart, which would pull the machine from under what is going on. */
function refuseWhileBusy(node: NodeRecord, what: string): void {
  if (isWorking(node.provision_state) || isWaiting(node.provision_state))
    throw new Conflict(
      `The ${what} of node ${node.uuid} can not be changed while it is in "${node.provision_state}".`,
    );
}
