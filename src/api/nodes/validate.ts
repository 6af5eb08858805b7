// GET /v1/nodes/{node}/validate: whether each of a node's interfaces has what it needs.
import { InvalidUuidOrName } from '#model/faults.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { noArguments } from '../query.ts';
import { findNodeForVerb } from './states-node.ts';

const identNames: ReadonlySet<string> = new Set(['node', 'node_uuid']);

export async function validateNode(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  return await validate(call, call.param('node'));
}

/** The older form, /v1/nodes/validate?node=X or ?node_uuid=X. */
export async function validateNodeByQuery(call: Call): Promise<Answer> {
  call.query.allowOnly(identNames);
  const ident = call.query.uuid('node_uuid') ?? call.query.text('node');
  if (ident === undefined) throw new InvalidUuidOrName({ name: 'nothing' });
  return await validate(call, ident);
}

async function validate(call: Call, ident: string): Promise<Answer> {
  const node = await findNodeForVerb(call, ident);
  return ok(JSON.stringify(await call.conductorOf(node, 'validate_driver_interfaces', { node: node.uuid })));
}
