import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Invalid } from '#model/faults.ts';
import type { JsonObject } from '#model/json-object.ts';
import { checkNetworkData } from './network-data.ts';

const mac = '52:54:00:00:00:01';
const withLink = (link: JsonObject): JsonObject => ({ links: [link], networks: [], services: [] });
const check = (data: JsonObject) => () => checkNetworkData(data);

describe('network data', () => {
  it('may be empty, or of links, networks and services', () => {
    assert.doesNotThrow(check({}));
    assert.doesNotThrow(check(withLink({ id: 'a', type: 'phy', ethernet_mac_address: mac })));
    const bond = { id: 'a', type: 'bond', ethernet_mac_address: mac, bond_mode: '4', bond_links: [] };
    assert.doesNotThrow(check(withLink(bond)));
    assert.throws(check(withLink({ ...bond, bond_links: undefined })), Invalid);
  });

  it('has no link of a type that only every object of the language has', () => {
    for (const type of ['constructor', '__proto__', 'toString', { toString: 1 }, ['bond'], 1, null])
      assert.throws(check(withLink({ id: 'a', type, ethernet_mac_address: mac })), Invalid);
  });

  it('has no network or service of such a type', () => {
    const type = { toString: null, valueOf: null };
    assert.throws(check({ links: [], networks: [{ id: 'a', link: 'b', type }], services: [] }), Invalid);
    assert.throws(check({ links: [], networks: [], services: [{ type, address: 'x' }] }), Invalid);
  });
});
