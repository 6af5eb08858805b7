// What a port's fields may hold: the checks that POST and PATCH share.
import { Invalid, InvalidMAC, InvalidName, InvalidParameterValue } from '#model/faults.ts';
import { isJsonObject, type JsonObject } from '#model/json-object.ts';
import { portField } from '#model/port-fields.ts';
import type { PortPatch } from '#model/port-record.ts';
import { canonicalUuid, isLogicalName } from '../identity.ts';
import { booleanOf } from '../query.ts';
import { parseLinkConnection } from './link-connection.ts';
import { canonicalMac } from './mac-address.ts';

/** The fields whose value is the caller's to choose freely within a type. */
export type PortValueField = Extract<
  keyof PortPatch,
  | 'address'
  | 'extra'
  | 'is_smartnic'
  | 'local_link_connection'
  | 'physical_network'
  | 'pxe_enabled'
  | 'name'
  | 'description'
  | 'vendor'
  | 'category'
  | 'available_for_dynamic_portgroup'
>;

/**
 * The value as it is stored. Null gives the field back to its default, where it may be empty or has one. Throws a
 * fault of status 400 naming the field, NotAcceptable (406) for a key of a connection that the version does not know.
 */
export function parsePortValue(field: PortValueField, given: unknown, minor: number): PortPatch {
  switch (field) {
    case 'address':
      return { address: parseAddress(given) };
    case 'extra':
      return { extra: parseObject(field, given) };
    case 'local_link_connection':
      return { local_link_connection: parseLinkConnection(parseObject(field, given), minor) };
    case 'is_smartnic':
      return { is_smartnic: given === null ? null : parseBoolean(field, given) };
    case 'pxe_enabled':
    case 'available_for_dynamic_portgroup':
      return { [field]: parseBoolean(field, given) };
    case 'physical_network':
      if (given === '') throw new Invalid('physical_network is not to be empty; null takes it away.');
      return { physical_network: parseText(field, given) };
    case 'name':
      return { name: parseName(given) };
    case 'description':
    case 'vendor':
    case 'category':
      return { [field]: parseText(field, given) };
  }
}

function parseAddress(given: unknown): string {
  if (typeof given !== 'string') throw invalid('address', 'a text');
  const mac = canonicalMac(given);
  if (mac === undefined) throw new InvalidMAC({ mac: given });
  return mac;
}

function parseObject(field: string, given: unknown): JsonObject {
  if (given === null) return {};
  if (isJsonObject(given)) return given;
  throw invalid(field, 'an object');
}

function parseBoolean(field: PortValueField, given: unknown): boolean {
  const { default: byDefault } = portField(field);
  const value = given === null ? byDefault : booleanOf(given);
  if (typeof value === 'boolean') return value;
  throw invalid(field, 'true or false');
}

function parseText(field: PortValueField, given: unknown): string | null {
  if (given === null) return null;
  if (typeof given !== 'string') throw invalid(field, 'a text');
  const { maxLength = Number.POSITIVE_INFINITY } = portField(field);
  if (given.length > maxLength)
    throw new InvalidParameterValue(`${field} of a port is too long; it may have ${maxLength} characters.`);
  return given;
}

function parseName(given: unknown): string | null {
  const name = parseText('name', given);
  // A name that reads as a UUID could not be told from one.
  if (name !== null && (!isLogicalName(name, 10) || canonicalUuid(name) !== undefined))
    throw new InvalidName({ name });
  return name;
}

function invalid(field: string, expected: string): InvalidParameterValue {
  return new InvalidParameterValue(`${field} of a port is to be ${expected}.`);
}
