import { Invalid, MissingParameterValue } from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';
import { type Answer, type Call, noContent } from '../call.ts';
import { noArguments } from '../query.ts';
import { asBadRequest } from './create.ts';
import { findNode } from './find-node.ts';

/** `DELETE /nodes/{node}`: removes the node, if it is nobody's and its conductor lets it go. */
export async function deleteNode(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const body = call.body();
  if (isJsonObject(body) && Object.keys(body).length > 0) throw new Invalid('A deletion takes no arguments.');
  const node = await findNode(call, { suffix: true });
  await asBadRequest(async () => await call.conductorOf(node, 'destroy_node', { node: node.uuid }));
  return noContent;
}

/** A change or deletion of nobody in particular. */
export function missingNode(): never {
  throw new MissingParameterValue('Missing mandatory parameter: node_ident');
}
