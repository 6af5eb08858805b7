// DELETE /v1/ports/{port}: by UUID only.
import { readNode } from '#db/nodes.ts';
import { InvalidUUID, PortNotFound } from '#model/faults.ts';
import { type Answer, type Call, noContent } from '../call.ts';
import { canonicalUuid } from '../identity.ts';
import { noArguments } from '../query.ts';
import { findPort } from './find-port.ts';

export async function deletePort(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const ident = call.param('port');
  const uuid = canonicalUuid(ident);
  if (uuid === undefined) throw new InvalidUUID({ uuid: ident });
  const port = await findPort(call, uuid);
  const node = await readNode(call.parts.store.read, port.node_uuid);
  // A port goes with its node, so without the node it is gone too.
  if (!node) throw new PortNotFound({ port: uuid });
  await call.conductorOf(node, 'destroy_port', { port: uuid });
  return noContent;
}
