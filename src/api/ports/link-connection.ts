// What `local_link_connection` of a port may hold: where its other end is plugged in.
import { InvalidParameterValue, NotAcceptable } from '#model/faults.ts';
import type { JsonObject } from '#model/json-object.ts';
import { localLinkAlternatives, localLinkKeyVersions } from '#model/port-fields.ts';
import { canonicalMac } from './mac-address.ts';

/** ironic api/controllers/v1/utils.py LOCAL_LINK_SCHEMA, 2026.2. */
const keys: ReadonlySet<string> = new Set([
  'port_id',
  'switch_id',
  'hostname',
  'switch_info',
  'network_type',
  'vtep-logical-switch',
  'vtep-physical-switch',
]);

/**
 * The connection, with a switch's MAC address in lower case. Throws NotAcceptable (406) for a key that the version
 * does not know, InvalidParameterValue (400) for a key that none knows, a value that is not a text, or a
 * combination that does not say where the other end is.
 */
export function parseLinkConnection(given: JsonObject, minor: number): JsonObject {
  for (const [key, value] of Object.entries(given)) {
    if (!keys.has(key)) throw refused(`has no "${key}"`);
    if (typeof value !== 'string') throw refused(`has a "${key}" that is not a text`);
    checkKeyVersion(key, minor);
  }
  if (Object.keys(given).length === 0) return given;
  const has = (key: string): boolean => Object.hasOwn(given, key);
  const { network_type: networkType, switch_id: switchId } = given;
  if (networkType !== undefined && networkType !== 'managed' && networkType !== 'unmanaged')
    throw refused('has a "network_type" that is neither managed nor unmanaged');
  if (has('vtep-logical-switch') !== has('vtep-physical-switch'))
    throw refused('has one of "vtep-logical-switch" and "vtep-physical-switch" without the other');
  const says = localLinkAlternatives.some((alternative) => {
    // A managed network is described by a switch, so the type alone counts only when it is unmanaged.
    if (alternative.includes('network_type')) return networkType === 'unmanaged';
    return alternative.every(has);
  });
  if (!says)
    throw refused(
      'does not say where the port is plugged in: it needs "port_id" with "switch_id" or "hostname", ' +
        'or an unmanaged "network_type"',
    );
  return typeof switchId === 'string' ? { ...given, switch_id: parseSwitchId(switchId) } : given;
}

function checkKeyVersion(key: string, minor: number): void {
  const versions: { since: number; until?: number } | undefined = Object.hasOwn(localLinkKeyVersions, key)
    ? // hasOwn says it is a key of the table.
      localLinkKeyVersions[key as keyof typeof localLinkKeyVersions]
    : undefined;
  if (!versions) return;
  if (minor < versions.since || minor > (versions.until ?? minor))
    throw new NotAcceptable(`"${key}" of a local_link_connection is not known in this API version.`);
}

const datapathId = /^([0-9a-f]{16}|([0-9a-f]{2}:){7}[0-9a-f]{2})$/i;

/** A MAC address, or an OpenFlow datapath id: eight pairs of digits. */
function parseSwitchId(switchId: string): string {
  const mac = canonicalMac(switchId);
  if (mac !== undefined) return mac;
  if (datapathId.test(switchId)) return switchId;
  throw refused('has a "switch_id" that is neither a MAC address nor an OpenFlow datapath id');
}

function refused(problem: string): InvalidParameterValue {
  return new InvalidParameterValue(`The local_link_connection of a port ${problem}.`);
}
