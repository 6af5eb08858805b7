// POST /v1/ports.
import { encode } from '#db/columns.ts';
import { nodeOfRow } from '#db/nodes.ts';
import { portColumns, type PortRow } from '#db/tables.ts';
import {
  Invalid,
  InvalidParameterValue,
  NodeNotFound,
  NotAcceptable,
  PortgroupNotFound,
} from '#model/faults.ts';
import { isJsonObject, type JsonObject } from '#model/json-object.ts';
import { versionText } from '#model/microversion.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { allPortFields, type PortField, portField, portNodeIdent } from '#model/port-fields.ts';
import type { NewPort, PortPatch, PortRecord } from '#model/port-record.ts';
import { type Answer, type Call, created } from '../call.ts';
import { canonicalUuid } from '../identity.ts';
import { findNodeRow } from '../nodes/find-node.ts';
import { noArguments } from '../query.ts';
import { RoutingError } from '../wire-error.ts';
import { checkFieldVersion, portFieldsAt } from './fields.ts';
import { portText } from './serialize.ts';
import { parsePortValue, type PortValueField } from './values.ts';

const createFields = allPortFields.filter((name) => portField(name).create !== undefined);

/** What names something else, and so is not parsed as a value of its own. */
const identityFields = ['uuid', 'node_uuid', 'portgroup_uuid'] as const satisfies readonly PortField[];
type IdentityField = (typeof identityFields)[number];

export async function createPort(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const body = parseBody(call.body());
  checkVersions(body, call.minor);
  const values = parseValues(body, call.minor);
  const uuid = parseUuid(body, 'uuid') ?? call.parts.random.uuid();
  const portgroup = parseUuid(body, 'portgroup_uuid');
  const node = await findOwner(call, body);
  if (portgroup !== null) throw new PortgroupNotFound({ portgroup }, { status: 400 });
  const port: NewPort = { ...values, uuid, node_uuid: node.uuid };
  const record = await call.conductorOf(node, 'create_port', { port });
  const text = portText(rowOfPort(record), portFieldsAt(call.minor), call.baseUrl);
  return created(text, `${call.baseUrl}/v1/ports/${record.uuid}`);
}

/** The port as a row, for its text. A whole record makes a whole row. */
export function rowOfPort(record: PortRecord): PortRow {
  return encode<PortRecord, typeof portColumns>(portColumns, record) as PortRow;
}

function parseBody(body: unknown): JsonObject {
  if (!isJsonObject(body)) throw new InvalidParameterValue('A port is to be given as an object.');
  const known: readonly string[] = [...createFields, portNodeIdent.name];
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new InvalidParameterValue(`A new port has no field "${unknown}".`);
  if (!Object.hasOwn(body, 'address')) throw new InvalidParameterValue('A new port needs an "address".');
  if (Object.hasOwn(body, 'node_uuid') === Object.hasOwn(body, portNodeIdent.name))
    throw new InvalidParameterValue('A new port needs either a "node_uuid" or a "node_ident".');
  return body;
}

function checkVersions(body: JsonObject, minor: number): void {
  for (const name of createFields) if (Object.hasOwn(body, name)) checkFieldVersion(name, minor);
  if (Object.hasOwn(body, portNodeIdent.name) && minor < portNodeIdent.since)
    throw new NotAcceptable(`node_ident needs at least API version ${versionText(portNodeIdent.since)}.`);
}

function parseValues(body: JsonObject, minor: number): PortPatch & Pick<PortRecord, 'address'> {
  const isValue = (name: PortField): name is PortField & PortValueField =>
    !identityFields.includes(name as IdentityField);
  const values: PortPatch = {};
  for (const name of createFields)
    if (isValue(name) && Object.hasOwn(body, name))
      Object.assign(values, parsePortValue(name, body[name], minor));
  const { address } = values;
  // parseBody saw that it is there, and its parser gives a text.
  if (address === undefined) throw new InvalidParameterValue('A new port needs an "address".');
  return { ...values, address };
}

function parseUuid(body: JsonObject, name: IdentityField): string | null {
  const given = body[name] ?? null;
  if (given === null) return null;
  const uuid = typeof given === 'string' ? canonicalUuid(given) : undefined;
  if (uuid === undefined) throw new Invalid(`Expected a UUID for ${name} of the port.`);
  return uuid;
}

/** The node of the body. A node that does not exist is here a fault of the body, so 400. */
async function findOwner(call: Call, body: JsonObject): Promise<NodeRecord> {
  const ident = parseUuid(body, 'node_uuid') ?? body[portNodeIdent.name];
  if (typeof ident !== 'string') throw new InvalidParameterValue('The node of a port is to be a text.');
  try {
    return nodeOfRow(await findNodeRow(call, ident));
  } catch (error) {
    if (error instanceof NodeNotFound) throw new NodeNotFound(error.fields, { status: 400, cause: error });
    if (error instanceof RoutingError) throw new Invalid(error.message, { cause: error });
    throw error;
  }
}
