// What a client may give a node's fields: types, forms and lengths, from the field table.
import {
  ClientSideError,
  Invalid,
  InvalidConductorGroup,
  InvalidParameterValue,
  InvalidUUID,
} from '#model/faults.ts';
import { isJsonObject, type JsonObject } from '#model/json-object.ts';
import { nodeField, type NodeField } from '#model/node-fields.ts';
import { canonicalUuid, isLogicalName } from '../identity.ts';
import { booleanOf } from '../query.ts';
import { checkNetworkData } from './network-data.ts';

/**
 * The value as the store keeps it: words for true and false read, UUIDs in their written form, null replaced by the
 * field's default where it has one. Throws Invalid (400), naming the field; never its value, which may be a secret.
 */
export function readValue(name: NodeField, value: unknown): unknown {
  const field = nodeField(name);
  if (value === null) return field.default ?? (field.type === 'object' ? {} : null);
  switch (field.type) {
    case 'boolean':
      return readBoolean(name, value);
    case 'object':
      return readObject(name, value);
    case 'uuid': {
      const uuid = canonicalUuid(readText(name, value));
      if (uuid === undefined) throw new InvalidUUID({ uuid: `${JSON.stringify(value)} for ${name}` });
      return uuid;
    }
    case 'string':
    case 'mac':
    case 'datetime':
      return checkText(name, readText(name, value));
    case 'strings':
    case 'links':
      throw new Invalid(`${name} cannot be set.`);
  }
}

function readText(name: NodeField, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Invalid(`${name} is not a text.`);
}

function readBoolean(name: NodeField, value: unknown): boolean {
  if (typeof value !== 'boolean' && typeof value !== 'string')
    throw new Invalid(`${name} is neither true nor false.`);
  const truth = booleanOf(value);
  if (truth === undefined) throw new Invalid(`${name} is neither true nor false: '${value}'.`);
  return truth;
}

function readObject(name: NodeField, value: unknown): JsonObject {
  if (!isJsonObject(value)) throw new Invalid(`${name} is not an object.`);
  if (name === 'network_data') checkNetworkData(value);
  if (name === 'properties') checkProperties(value);
  return value;
}

function checkText(name: NodeField, text: string): string {
  const { maxLength, values } = nodeField(name);
  if (maxLength !== undefined && text.length > maxLength)
    throw new Invalid(`${name} is longer than ${maxLength} characters.`);
  if (values && !values.includes(text)) throw new Invalid(`${name} is none of ${values.join(', ')}.`);
  if (name === 'instance_name' && text === '') throw new Invalid('instance_name is empty.');
  if (name !== 'conductor_group') return text;
  if (!/^[a-z0-9_.-]{0,255}$/i.test(text)) throw new InvalidConductorGroup({ group: text });
  return text.toLowerCase();
}

/** ironic objects/node.py: what schedulers count on. */
const countedProperties = ['cpus', 'local_gb', 'memory_mb'];

function checkProperties(properties: JsonObject): void {
  const wrong = countedProperties.filter(
    (name) => Object.hasOwn(properties, name) && !isCount(properties[name]),
  );
  if (wrong.length === 0) return;
  throw new InvalidParameterValue(`These properties have to be non-negative integers: ${wrong.join(', ')}.`);
}

function isCount(value: unknown): boolean {
  if (typeof value === 'number') return value >= 0;
  return typeof value === 'string' && /^\s*\+?\d+\s*$/.test(value);
}

/** What a path below /nodes means itself, so that no node can be called it (api/controllers/v1/node.py). */
const reservedNames = ['maintenance', 'management', 'states', 'vendor_passthru', 'validate', 'detail'];

/** Throws ClientSideError (400) when a node may not be called this in the microversion. */
export function checkNodeName(name: unknown, minor: number): void {
  if (typeof name !== 'string' || !isLogicalName(name, minor) || canonicalUuid(name) !== undefined)
    throw new ClientSideError(`${JSON.stringify(name)} is not a name that a node can have.`);
  if (reservedNames.includes(name))
    throw new ClientSideError(
      `The word "${name}" is reserved and cannot be a node's name; so are: ${reservedNames.join(', ')}.`,
    );
}
