// PUT and DELETE /v1/nodes/{node}/maintenance.
import { NoValidHost } from '#model/faults.ts';
import { Arguments } from '../arguments.ts';
import { type Answer, accepted, type Call } from '../call.ts';
import { findNode } from './find.ts';

const reasonOnly: ReadonlySet<string> = new Set(['reason']);
const nothing: ReadonlySet<string> = new Set();

export async function setMaintenance(call: Call): Promise<Answer> {
  const reason = Arguments.of(call, reasonOnly).text('reason');
  return await changeMaintenance(call, true, reason);
}

export async function clearMaintenance(call: Call): Promise<Answer> {
  Arguments.of(call, nothing);
  return await changeMaintenance(call, false, null);
}

async function changeMaintenance(call: Call, maintenance: boolean, reason: string | null): Promise<Answer> {
  const node = await findNode(call, call.param('node'));
  try {
    await call.conductorOf(node, 'set_maintenance', { node: node.uuid, maintenance, reason });
  } catch (error) {
    // Of all routes on a node these tell a missing conductor as 400 (errors status_overrides, 2026.2).
    if (error instanceof NoValidHost) throw new NoValidHost(error.fields, { status: 400, cause: error });
    throw error;
  }
  return accepted();
}
