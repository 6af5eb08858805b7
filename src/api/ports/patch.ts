// PATCH /v1/ports/{port}
import { isDeepStrictEqual } from 'node:util';
import { nodeOfRow } from '#db/nodes.ts';
import { portOfRow } from '#db/ports.ts';
import { Conflict, Invalid, InvalidParameterValue, NodeNotFound, PortgroupNotFound } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import {
  allPortFields,
  isPortField,
  type PortField,
  portField,
  portPatchNotVersionChecked,
} from '#model/port-fields.ts';
import type { PortPatch, PortRecord } from '#model/port-record.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { canonicalUuid } from '../identity.ts';
import { applyPatch, parsePatch, type PatchOperation } from '../json-patch.ts';
import { findNodeRow } from '../nodes/find-node.ts';
import { noArguments } from '../query.ts';
import { rowOfPort } from './create.ts';
import { checkFieldVersion, portFieldsAt } from './fields.ts';
import { findPort } from './find-port.ts';
import { portText } from './serialize.ts';
import { parsePortValue } from './values.ts';

/** Changes a port's fields, all of them or none. */
export async function patchPort(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const operations = parsePatch(call.body(), { escapes: call.has('escapedPatchPaths') });
  const touched = touchedFields(operations, call.minor);
  const fields = portFieldsAt(call.minor);
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const row = await findPort(call, call.param('port'));
    const port = portOfRow(row);
    const node = nodeOfRow(await findNodeRow(call, port.node_uuid));
    checkUpdatable(node, call);
    const patch = changesOf(port, touched, operations, call.minor);
    await checkReferences(call, patch);
    if (Object.keys(patch).length === 0) return ok(portText(row, fields, call.baseUrl));
    const columns: Readonly<Record<string, unknown>> = { ...port };
    const seen = Object.fromEntries(Object.keys(patch).map((name) => [name, columns[name]]));
    const updated = await call.conductorOf(node, 'update_port', { port: port.uuid, patch, seen });
    if (updated) return ok(portText(rowOfPort(updated), fields, call.baseUrl));
  }
  throw new Conflict(`Port ${call.param('port')} is being changed by others at the same time; try again.`);
}

/** How often a patch is made anew because somebody else's came between. */
const maxAttempts = 20;

const patchable = allPortFields.filter((name) => portField(name).patch !== undefined);

/** Throws Invalid (400) for a path that no patch may have, NotAcceptable (406) for a field not yet known. */
function touchedFields(operations: readonly PatchOperation[], minor: number): PortField[] {
  const touched = new Set<PortField>();
  for (const { path, pathText } of operations) {
    const [name] = path;
    if (!isPortField(name) || !patchable.includes(name))
      throw new Invalid(`${pathText} cannot be patched; what can is: ${patchable.join(', ')}.`);
    touched.add(name);
  }
  for (const name of touched) if (!portPatchNotVersionChecked.includes(name)) checkFieldVersion(name, minor);
  return [...touched];
}

/** Throws Conflict (409) while inspection is at work on the ports itself. */
function checkUpdatable(node: NodeRecord, call: Call): void {
  if (node.provision_state === 'inspecting' && call.has('inspectWaitShown'))
    throw new Conflict(`The ports of node ${node.uuid} cannot be updated while it is being inspected.`);
}

/** The columns that the operations change. */
function changesOf(
  port: PortRecord,
  touched: readonly PortField[],
  operations: readonly PatchOperation[],
  minor: number,
): PortPatch {
  const columns: Readonly<Record<string, unknown>> = { ...port };
  const before = Object.fromEntries(touched.map((name) => [name, columns[name]]));
  const after = applyPatch(before, operations);
  const changes: Record<string, unknown> = {};
  for (const name of touched) {
    const value = parsePatched(name, after[name], minor);
    if (!isDeepStrictEqual(value, before[name])) changes[name] = value;
  }
  return changes; // Its members are fields of the table, each read by its own rule.
}

function parsePatched(name: PortField, value: unknown, minor: number): unknown {
  switch (name) {
    case 'uuid':
    case 'created_at':
    case 'updated_at':
    case 'internal_info':
    case 'links':
      // The field table lets none of them be patched.
      throw new Invalid(`${name} of a port cannot be patched.`);
    case 'node_uuid':
      if (value === null) throw new InvalidParameterValue('A port needs a node_uuid.');
      return parseUuid(name, value);
    case 'portgroup_uuid':
      return value === null ? null : parseUuid(name, value);
    default:
      return parsePortValue(name, value, minor)[name];
  }
}

function parseUuid(name: PortField, value: unknown): string {
  const uuid = typeof value === 'string' ? canonicalUuid(value) : undefined;
  if (uuid === undefined) throw new InvalidParameterValue(`Expected a UUID for ${name} of the port.`);
  return uuid;
}

/** What a patch names must exist; that it does not is here a fault of the body, so 400. */
async function checkReferences(call: Call, patch: PortPatch): Promise<void> {
  const { portgroup_uuid: portgroup, node_uuid: nodeUuid } = patch;
  if (portgroup !== undefined && portgroup !== null)
    throw new PortgroupNotFound({ portgroup }, { status: 400 });
  if (nodeUuid === undefined) return;
  try {
    await findNodeRow(call, nodeUuid);
  } catch (error) {
    if (error instanceof NodeNotFound) throw new NodeNotFound(error.fields, { status: 400, cause: error });
    throw error;
  }
}
