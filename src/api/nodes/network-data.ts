// The shape of a node's network data, as far as what reads it depends on it (OpenStack's network_data.json).
import { Invalid } from '#model/faults.ts';
import { isJsonObject, type JsonObject } from '#model/json-object.ts';

const macAddress = /^([0-9A-F]{2}[:-]){5}[0-9A-F]{2}$/i;

/** What each kind of link needs besides an id and a type. */
const linkNeeds: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['bond', ['ethernet_mac_address', 'bond_mode', 'bond_links']],
  ['vlan', ['vlan_mac_address', 'vlan_link', 'vlan_id']],
]);
const plainLinkTypes = ['bridge', 'dvs', 'hw_veb', 'hyperv', 'ovs', 'tap', 'vhostuser', 'vif', 'phy'];
const networkTypes = ['ipv4', 'ipv4_dhcp', 'ipv6', 'ipv6_dhcp', 'ipv6_slaac'];
const serviceTypes = ['dns', 'ntp'];

/** Throws Invalid (400), naming the place, unless the value is `{}` or network data. */
export function checkNetworkData(data: JsonObject): void {
  if (Object.keys(data).length === 0) return;
  for (const [at, link] of listOf(data, 'links').entries()) checkLink(link, `links/${at}`);
  for (const [at, network] of listOf(data, 'networks').entries()) checkNetwork(network, `networks/${at}`);
  for (const [at, service] of listOf(data, 'services').entries()) {
    need(service, `services/${at}`, ['type', 'address']);
    oneOf(service, `services/${at}`, serviceTypes);
  }
}

function listOf(data: JsonObject, name: string): JsonObject[] {
  const list = data[name];
  if (!Array.isArray(list)) throw new Invalid(`network_data has no list called ${name}.`);
  return list.map((each: unknown, at) => {
    if (isJsonObject(each)) return each;
    throw wrong(`${name}/${at}`, 'is not an object');
  });
}

function checkLink(link: JsonObject, place: string): void {
  need(link, place, ['id', 'type']);
  const needs = linkNeeds.get(link['type']);
  if (!needs) oneOf(link, place, plainLinkTypes);
  need(link, place, needs ?? ['ethernet_mac_address']);
  const address = link['ethernet_mac_address'] ?? link['vlan_mac_address'];
  if (typeof address !== 'string' || !macAddress.test(address))
    throw wrong(place, 'has no valid MAC address');
}

function checkNetwork(network: JsonObject, place: string): void {
  need(network, place, ['id', 'link', 'type']);
  oneOf(network, place, networkTypes);
}

function need(object: JsonObject, place: string, names: readonly string[]): void {
  const missing = names.find((name) => object[name] === undefined);
  if (missing !== undefined) throw wrong(place, `has no ${missing}`);
}

function oneOf(object: JsonObject, place: string, types: readonly string[]): void {
  if (!types.some((type) => type === object['type']))
    throw wrong(place, `has a type that is none of ${types.join(', ')}`);
}

function wrong(place: string, what: string): Invalid {
  return new Invalid(`network_data: ${place} ${what}.`);
}
