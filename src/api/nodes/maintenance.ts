// PUT and DELETE /v1/nodes/{node}/maintenance.
import { Arguments } from '../arguments.ts';
import { type Answer, accepted, type Call } from '../call.ts';
import { noArguments } from '../query.ts';
import { asBadRequest } from './create.ts';
import { findNodeForVerb } from './states-node.ts';

const reasonOnly: ReadonlySet<string> = new Set(['reason']);

export async function setMaintenance(call: Call): Promise<Answer> {
  const reason = Arguments.of(call, reasonOnly).text('reason');
  return await changeMaintenance(call, true, reason);
}

export async function clearMaintenance(call: Call): Promise<Answer> {
  Arguments.of(call, noArguments);
  return await changeMaintenance(call, false, null);
}

async function changeMaintenance(call: Call, maintenance: boolean, reason: string | null): Promise<Answer> {
  const node = await findNodeForVerb(call);
  // Of the verbs on a node only this one tells a missing conductor as 400 (errors status_overrides, 2026.2).
  await asBadRequest(
    async () => await call.conductorOf(node, 'set_maintenance', { node: node.uuid, maintenance, reason }),
  );
  return accepted();
}
