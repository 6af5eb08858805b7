// /v1/nodes/{node}/management/boot_device and inject_nmi.
import { InvalidParameterValue } from '#model/faults.ts';
import { Arguments } from '../arguments.ts';
import { type Answer, type Call, noContent, ok } from '../call.ts';
import { noArguments } from '../query.ts';
import { findNodeForVerb } from './states-node.ts';

const deviceNames: ReadonlySet<string> = new Set(['boot_device', 'persistent']);

export async function showBootDevice(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const node = await findNodeForVerb(call);
  return ok(JSON.stringify(await call.conductorOf(node, 'get_boot_device', { node: node.uuid })));
}

export async function showSupportedBootDevices(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const node = await findNodeForVerb(call);
  const devices = await call.conductorOf(node, 'get_supported_boot_devices', { node: node.uuid });
  return ok(JSON.stringify({ supported_boot_devices: devices }));
}

/** Which devices there are, the node's management interface knows; the conductor asks it. */
export async function setBootDevice(call: Call): Promise<Answer> {
  const given = Arguments.of(call, deviceNames).require('boot_device');
  const device = given.text('boot_device');
  const persistent = given.boolean('persistent') ?? false;
  const node = await findNodeForVerb(call);
  if (device === null) throw new InvalidParameterValue('boot_device is to name a device.');
  await call.conductorOf(node, 'set_boot_device', { node: node.uuid, device, persistent });
  return noContent;
}

export async function injectNmi(call: Call): Promise<Answer> {
  Arguments.of(call, noArguments);
  const node = await findNodeForVerb(call);
  await call.conductorOf(node, 'inject_nmi', { node: node.uuid });
  return noContent;
}
