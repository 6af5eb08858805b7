// `PATCH /nodes/{node}`
import { findNode } from './find-node.ts';
import { Conflict, Invalid, NotAcceptable } from '#model/faults.ts';
import { allNodeFields, isNodeField, nodeField, nodePatchPolicy } from '#model/node-fields.ts';
import type { NodePatch, NodeRecord } from '#model/node-record.ts';
import { isUpdateAllowed } from '#model/provision-states.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { parsePatch, type PatchOperation } from '../json-patch.ts';
import { nodeChanges } from './changes.ts';
import { asBadRequest, checkChassis, parentOf, rowOf } from './create.ts';
import { nodeText } from './show.ts';

const takes = new Set(['reset_interfaces']);

/** Changes a node's fields, all of them or none. */
export async function patchNode(call: Call): Promise<Answer> {
  call.query.allowOnly(takes);
  const resetInterfaces = readReset(call);
  const operations = parsePatch(call.body(), { escapes: call.has('escapedPatchPaths') });
  checkOperations(operations, call.minor);
  if (resetInterfaces && !operations.some(({ pathText }) => pathText === '/driver'))
    throw new Invalid('reset_interfaces goes only with a change of the driver.');
  for (const { pathText, value } of operations) await call.check(nodePatchPolicy(pathText, value));

  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const node = await findNode(call, { suffix: true });
    if (!freesFromInstance(node, operations)) checkUpdatable(node, call);
    const changes = nodeChanges(node, operations, call.minor);
    await checkChassis(call, changes.chassis_uuid);
    const patch = { ...changes, ...(await parentOf(call, changes.parent_node)) };
    const updated = await update(call, node, patch, resetInterfaces);
    if (updated === null) continue;
    // As in the reference, the answer shows the node as its conductor had it in hand.
    const reservation = await call.parts.ring.hostFor(updated);
    return ok(await nodeText(call, { ...rowOf(updated), reservation }));
  }
  throw new Conflict(`Node ${call.param('node')} is being changed by others at the same time; try again.`);
}

/** How often a patch is made anew because somebody else's came between. */
const maxAttempts = 20;

/** Null when the node changed since it was read. */
async function update(
  call: Call,
  node: NodeRecord,
  changes: NodePatch,
  resetInterfaces: boolean,
): Promise<NodeRecord | null> {
  const patch = resetInterfaces ? { driver: node.driver, ...changes } : changes;
  const args = { node: node.uuid, patch, seen: seenBy(node, patch), resetInterfaces };
  return await asBadRequest(async () => await call.conductorOf({ ...node, ...patch }, 'update_node', args));
}

/** What a patch was made from, and what decided that it may be. */
function seenBy(node: NodeRecord, patch: NodePatch): Partial<NodeRecord> {
  const { provision_state, target_provision_state, maintenance } = node;
  const columns: Readonly<Record<string, unknown>> = { ...node };
  const replaced = Object.fromEntries(Object.keys(patch).map((name) => [name, columns[name]]));
  return { ...replaced, provision_state, target_provision_state, maintenance };
}

function readReset(call: Call): boolean {
  const reset = call.query.boolean('reset_interfaces');
  if (reset === undefined) return false;
  if (!call.has('resetInterfaces')) throw new NotAcceptable();
  return reset;
}

const patchable = allNodeFields.filter((name) => nodeField(name).patch !== undefined);

/** Throws Invalid (400) for a path that no patch may have, NotAcceptable (406) for a field not yet known. */
function checkOperations(operations: readonly PatchOperation[], minor: number): void {
  for (const { path, pathText } of operations)
    if (!isNodeField(path[0]) || nodeField(path[0]).patch === undefined)
      throw new Invalid(`${pathText} cannot be patched; what can is: ${patchable.join(', ')}.`);
  for (const { op, path } of operations) {
    const [name] = path;
    if (op !== 'remove' && isNodeField(name) && nodeField(name).since > minor) throw new NotAcceptable();
    // Published: unsetting came after setting (microversion 1.25).
    if (op === 'remove' && name === 'chassis_uuid' && minor < 25) throw new NotAcceptable();
  }
}

/** The way out when an instance is gone but its node stuck: it may be taken off in any state, in maintenance. */
function freesFromInstance(node: NodeRecord, operations: readonly PatchOperation[]): boolean {
  const [only] = operations;
  return (
    node.maintenance && operations.length === 1 && only?.op === 'remove' && only.pathText === '/instance_uuid'
  );
}

/** Throws Conflict (409) while the node is on its way from one state to another. */
function checkUpdatable(node: NodeRecord, call: Call): void {
  const { provision_state: state, target_provision_state: target } = node;
  if (state === 'inspecting' && call.has('inspectWaitShown'))
    throw new Conflict(`Node ${node.uuid} cannot be updated while it is being inspected.`);
  if (!isUpdateAllowed(state, target))
    throw new Conflict(
      `Node ${node.uuid} cannot be updated while it is in '${state}' on its way to '${target}'.`,
    );
}
