// What a patch makes of a node: the fields that change, checked against each other and the node's state.
import { Conflict, Invalid, InvalidState } from '#model/faults.ts';
import { allNodeFields, nodeField, type NodeField } from '#model/node-fields.ts';
import type { NodePatch, NodeRecord } from '#model/node-record.ts';
import { isPatchable } from '#model/resource-fields.ts';
import { driverSecretKeys, instanceSecretKeys, isSecretKey, mask } from '#model/secrets.ts';
import { isDeepStrictEqual } from 'node:util';
import { applyPatch, type PatchOperation } from '../json-patch.ts';
import { checkNodeName, readValue } from './values.ts';

/**
 * The columns that the operations change, and what follows from them. Throws PatchError or Invalid (400) for values
 * that cannot be, InvalidState or Conflict (409) for changes that the node's state does not allow.
 */
export function nodeChanges(
  node: NodeRecord,
  operations: readonly PatchOperation[],
  minor: number,
): NodePatch {
  for (const { op, pathText, value } of operations)
    if (op !== 'remove' && pathText === '/name') checkNodeName(value, minor);
  const touched = new Set(operations.map(({ path }) => path[0]));
  const before = documentOf(node, touched);
  const after = applyPatch(before, operations);
  const changes: Record<string, unknown> = {};
  for (const name of allNodeFields) {
    if (!touched.has(name)) continue;
    const value = readPatched(name, after[name], before[name]);
    if (!isDeepStrictEqual(value, before[name])) changes[name] = value;
  }
  const patch = changes as NodePatch; // Its members are fields of the table, read by the table.
  addConsequences(node, patch);
  checkAgainst(node, patch);
  return patch;
}

function documentOf(node: NodeRecord, touched: ReadonlySet<string>): Record<string, unknown> {
  const columns: Readonly<Record<string, unknown>> = { ...node };
  return Object.fromEntries([...touched].map((name) => [name, columns[name]]));
}

function readPatched(name: NodeField, after: unknown, before: unknown): unknown {
  if (after === null && nodeField(name).create === 'required') throw new Invalid(`A node needs a ${name}.`);
  if (after === null && name === 'conductor_group') return '';
  // Published: a patch can take it back to unsaid, which creation cannot leave it at.
  if (after === null && name === 'retired') return null;
  const value = readValue(name, after);
  if (name === 'driver_info') return unmasked(value, before, driverSecretKeys, name);
  if (name === 'instance_info') return unmasked(value, before, instanceSecretKeys, name);
  return value;
}

/**
 * The value with what was hidden from the client put back: who reads an object, changes it and sends all of it back
 * sends masks where secrets are. Throws Invalid (400) where a mask stands for nothing.
 */
function unmasked(value: unknown, stored: unknown, alsoSecret: readonly string[], place: string): unknown {
  if (Array.isArray(value))
    return value.map((each, at) =>
      unmasked(each, memberOf(stored, String(at)), alsoSecret, `${place}/${at}`),
    );
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const storedInner = memberOf(stored, key);
      const isHidden = inner === mask && (isSecretKey(key) || alsoSecret.includes(key));
      if (!isHidden) return [key, unmasked(inner, storedInner, alsoSecret, `${place}/${key}`)];
      if (storedInner !== undefined) return [key, storedInner];
      throw new Invalid(`${place}/${key} is the mask of a secret, and no such secret is stored.`);
    }),
  );
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key]; // Has it, as was just seen.
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What goes with a change: reasons go with what they explain, and an instance is called what it is displayed as. */
function addConsequences(node: NodeRecord, patch: Writable<NodePatch>): void {
  if (patch.protected === false && !patch.protected_reason) patch.protected_reason = null;
  if ('retired' in patch && !patch.retired && !patch.retired_reason) patch.retired_reason = null;
  const displayed = patch.instance_info?.['display_name'];
  const named = 'instance_name' in patch ? patch.instance_name : node.instance_name;
  if (typeof displayed === 'string' && displayed !== '' && !named)
    patch.instance_name = displayed.slice(0, 255);
}

function checkAgainst(node: NodeRecord, patch: NodePatch): void {
  if (patch.protected_reason && !(patch.protected ?? node.protected))
    throw new Invalid('protected_reason can only be set on a node that is protected.');
  if (patch.retired_reason && !(patch.retired ?? node.retired))
    throw new Invalid('retired_reason can only be set on a node that is retired.');
  if (patch.driver !== undefined && node.console_enabled)
    throw new Conflict(`The driver of node ${node.uuid} cannot be changed while its console is enabled.`);
  if (patch.retired && node.provision_state === 'available')
    throw new InvalidState(`Node ${node.uuid} cannot be retired while it is available; manage it first.`);
  for (const name of allNodeFields)
    if (name in patch && !mayChange(node, patch, name))
      throw new InvalidState(
        `${name} of node ${node.uuid} cannot be changed in the state '${node.provision_state}'.`,
      );
}

/** Whether the node's state lets a field change. Maintenance does, but for what protects an instance. */
function mayChange(node: NodeRecord, patch: NodePatch, name: NodeField): boolean {
  if (isPatchable(nodeField(name), node.provision_state)) return true;
  if (name === 'protected') return patch.protected === false;
  return node.maintenance || (name === 'resource_class' && node.resource_class === null);
}
