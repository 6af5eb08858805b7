import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Fault } from '#model/fault.ts';
import { parseLinkConnection } from './link-connection.ts';

const mac = '0a:1b:2c:3d:4e:5f';

// Observed answers of the reference, and the versions of the keys.
const cases: [string, Record<string, unknown>, number, number][] = [
  ['nothing', {}, 19, 200],
  ['a switch and its port', { switch_id: mac, port_id: 'Ethernet3/1', switch_info: 's1' }, 19, 200],
  ['a host and its port', { hostname: 'h', port_id: 'p' }, 19, 200],
  ['an unmanaged network', { network_type: 'unmanaged' }, 64, 200],
  ['an unmanaged network and a port', { network_type: 'unmanaged', port_id: 'x' }, 64, 200],
  [
    'both parts of a VTEP',
    { port_id: 'p', 'vtep-logical-switch': 'l', 'vtep-physical-switch': 'y' },
    90,
    200,
  ],
  ['a datapath id', { switch_id: '00001a2b3c4d5e6f', port_id: 'x' }, 19, 200],
  ['a port alone', { port_id: 'x' }, 19, 400],
  ['a switch alone', { switch_id: mac }, 19, 400],
  ['a managed network alone', { network_type: 'managed' }, 64, 400],
  ['another type of network', { network_type: 'x' }, 64, 400],
  ['half a VTEP', { port_id: 'p', switch_id: mac, 'vtep-logical-switch': 'l' }, 90, 400],
  ['a key that does not exist', { switch_id: mac, port_id: 'x', foo: 1 }, 19, 400],
  ['a key of every object', { constructor: 'x' }, 19, 400],
  ['nulls', { switch_id: null, port_id: null }, 19, 400],
  ['what is no switch', { switch_id: 'zz', port_id: 'x' }, 19, 400],
  ['a datapath id in hexadecimal notation', { switch_id: '0x1234567890abcdef', port_id: 'x' }, 19, 400],
  ['a type of network too early', { network_type: 'unmanaged' }, 63, 406],
  ['a VTEP too early', { port_id: 'p', 'vtep-logical-switch': 'l', 'vtep-physical-switch': 'y' }, 89, 406],
  ['a VTEP too late', { port_id: 'p', 'vtep-logical-switch': 'l', 'vtep-physical-switch': 'y' }, 105, 406],
];

for (const [what, connection, minor, status] of cases)
  it(`a connection with ${what} is ${status === 200 ? 'taken' : `refused with ${status}`} at 1.${minor}`, () => {
    try {
      parseLinkConnection(connection, minor);
      assert.equal(200, status);
    } catch (error) {
      assert.ok(error instanceof Fault, String(error));
      assert.equal(error.status, status);
    }
  });

it('the address of a switch is kept in lower case', () => {
  assert.deepEqual(parseLinkConnection({ switch_id: mac.toUpperCase(), port_id: 'x' }, 19), {
    switch_id: mac,
    port_id: 'x',
  });
});
