// `POST /nodes`
import { readChassis } from '#db/chassis.ts';
import { encode } from '#db/columns.ts';
import { readNodeRow } from '#db/node-list.ts';
import { nodeColumns, type NodeRow } from '#db/tables.ts';
import {
  ChassisNotFound,
  BootModeNotAllowed,
  Invalid,
  NotAcceptable,
  NoValidHost,
  UnknownAttribute,
} from '#model/faults.ts';
import { isJsonObject, type JsonObject } from '#model/json-object.ts';
import { allNodeFields, isNodeField, nodeField } from '#model/node-fields.ts';
import type { NewNode, NodeRecord } from '#model/node-record.ts';
import { initialState } from '#model/provision-states.ts';
import { type Answer, type Call, created } from '../call.ts';
import { canonicalUuid } from '../identity.ts';
import { noArguments } from '../query.ts';
import { nodeText } from './show.ts';
import { checkNodeName, readValue } from './values.ts';

const requiredFields = allNodeFields.filter((name) => nodeField(name).create === 'required');

/** Stores a new node with what its driver makes of it. */
export async function createNode(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const body = readBody(call.body());
  const given = readFields(body, call.minor);
  if (typeof given['name'] === 'string') checkNodeName(given['name'], call.minor);
  checkBootMode(given['properties'], call.parts.settings.api.disallowed_enrollment_boot_modes);
  await checkChassis(call, given['chassis_uuid']);
  const { DEFAULT } = call.parts.settings;
  const node = {
    ...given,
    uuid: given['uuid'] ?? call.parts.random.uuid(),
    provision_state: initialState(call.minor),
    conductor_group: given['conductor_group'] ?? DEFAULT.default_conductor_group,
    resource_class: given['resource_class'] || DEFAULT.default_resource_class,
    ...(await parentOf(call, given['parent_node'])),
  } as NewNode & { conductor_group: string }; // Read field by field by the table that the type states.
  const stored = await asBadRequest(async () => await call.conductorOf(node, 'create_node', { node }));
  return created(await nodeText(call, rowOf(stored)), `${call.baseUrl}/v1/nodes/${stored.uuid}`);
}

/** The row of a record that a conductor gave. */
export function rowOf(node: NodeRecord): NodeRow {
  // A whole record, so a whole row.
  return encode<NodeRecord, typeof nodeColumns>(nodeColumns, node) as NodeRow;
}

function readBody(body: unknown): JsonObject {
  if (!isJsonObject(body)) throw new Invalid('The body of a new node is an object.');
  for (const name of Object.keys(body))
    if (!isNodeField(name) || nodeField(name).create === undefined)
      throw new UnknownAttribute(`A new node cannot be given ${name}.`);
  for (const name of requiredFields)
    if (!Object.hasOwn(body, name)) throw new Invalid(`A new node needs a ${name}.`);
  return body;
}

function readFields(body: JsonObject, minor: number): JsonObject {
  const fields: JsonObject = {};
  let isTooNew = false;
  for (const name of allNodeFields) {
    if (!Object.hasOwn(body, name)) continue;
    const value = body[name];
    if (nodeField(name).since > minor && isGiven(name, value)) isTooNew = true;
    const read = readValue(name, value);
    if (value === null && requiredFields.includes(name)) throw new Invalid(`${name} is not a text.`);
    // Without a value the store, the driver or a setting decides.
    if (value !== null && read !== null) fields[name] = read;
  }
  if (isTooNew) throw new NotAcceptable();
  return fields;
}

/** What counts as not given, in the reference: null, but for the conductor group the empty text. */
function isGiven(name: string, value: unknown): boolean {
  return name === 'conductor_group' ? value !== '' : value !== null;
}

/** Throws BootModeNotAllowed when the node's capabilities ask for a boot mode that new nodes may not have. */
function checkBootMode(properties: unknown, disallowed: readonly string[]): void {
  if (disallowed.length === 0 || typeof properties !== 'object' || properties === null) return;
  const { capabilities } = properties as { capabilities?: unknown };
  const mode =
    typeof capabilities === 'string' ? /(?:^|,)\s*boot_mode:([^,]+)/.exec(capabilities)?.[1] : undefined;
  if (mode !== undefined && disallowed.includes(mode.trim()))
    throw new BootModeNotAllowed({ mode: mode.trim(), op: 'enrollment' });
}

/** The node's parent by its UUID, whatever it was called by. Throws Invalid (400) when there is none. */
export async function parentOf(call: Call, parent: unknown): Promise<{ parent_node?: string }> {
  if (typeof parent !== 'string') return {};
  const uuid = canonicalUuid(parent);
  const { read } = call.parts.store;
  const row =
    uuid === undefined ? await readNodeRow(read, 'name', parent) : await readNodeRow(read, 'uuid', uuid);
  if (!row) throw new Invalid(`There is no node ${parent} to be the parent.`);
  return { parent_node: row.uuid };
}

/** Throws ChassisNotFound, a 400 here, when the chassis that a node shall stand in is not there. */
export async function checkChassis(call: Call, uuid: unknown): Promise<void> {
  if (typeof uuid !== 'string' || (await readChassis(call.parts.store.read, uuid))) return;
  throw new ChassisNotFound({ chassis: uuid }, { status: 400 });
}

/** Runs a call about a node; that no conductor takes it is the fault of what the request says of the node. */
export async function asBadRequest<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof NoValidHost) throw new NoValidHost(cause.fields, { cause, status: 400 });
    throw cause;
  }
}
