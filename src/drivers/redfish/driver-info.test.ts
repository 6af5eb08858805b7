import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aNode, someSettings } from '../testing/a-task.ts';
import { redfishInfoOf } from './driver-info.ts';

const complete = {
  redfish_address: 'https://192.0.2.5',
  redfish_system_id: '/redfish/v1/Systems/1/',
  redfish_username: 'admin',
  redfish_password: 'bmc-secret',
};
const infoOf = (driver_info: Record<string, unknown>) =>
  redfishInfoOf(aNode({ driver_info }), someSettings());

describe('the BMC of a node', () => {
  it('is what driver_info says, and the settings where it is silent', () => {
    assert.deepEqual(infoOf(complete), {
      target: {
        address: 'https://192.0.2.5',
        username: 'admin',
        password: 'bmc-secret',
        authType: 'auto',
        verifyCa: true,
      },
      systemPath: '/redfish/v1/Systems/1',
    });
    const { target, systemPath } = infoOf({
      redfish_address: '192.0.2.5',
      redfish_verify_ca: 'False',
      redfish_auth_type: 'BASIC',
    });
    assert.deepEqual(
      [target.username, target.verifyCa, target.authType, systemPath],
      [null, false, 'basic', null],
    );
  });

  it('is read at once, however many slashes are in it', () => {
    // Tried from each of them, these would take a quarter of an hour each.
    const slashes = '/'.repeat(2 ** 20);
    const { target, systemPath } = infoOf({
      ...complete,
      redfish_address: `https://192.0.2.5${slashes}x`,
      redfish_system_id: `${slashes}x${slashes}`,
    });
    assert.equal(systemPath, `${slashes}x`);
    assert.ok(target.address.endsWith('/x'));
  });

  const wrong: [changes: Record<string, unknown>, message: RegExp][] = [
    [{ redfish_address: undefined }, /redfish_address/],
    [{ redfish_address: 'ftp://192.0.2.5' }, /redfish_address/],
    [{ redfish_address: 'https://root:calvin@192.0.2.5' }, /redfish_address/],
    [{ redfish_address: 7 }, /redfish_address .*not text/],
    [{ redfish_system_id: 'Systems/1' }, /redfish_system_id/],
    [{ redfish_system_id: '/a b' }, /redfish_system_id/],
    [{ redfish_username: null }, /redfish_username/],
    [{ redfish_verify_ca: '/no/such/file' }, /redfish_verify_ca/],
    [{ redfish_verify_ca: 3 }, /redfish_verify_ca/],
    [{ redfish_verify_ca: '/dev/zero' }, /redfish_verify_ca/],
    [{ redfish_verify_ca: 'a\0b' }, /redfish_verify_ca/],
    [{ redfish_verify_ca: `/${'a'.repeat(5000)}` }, /redfish_verify_ca/],
    [{ redfish_auth_type: 'kerberos' }, /redfish_auth_type/],
  ];
  for (const [changes, message] of wrong) {
    it(`cannot be one with ${JSON.stringify(changes)}`, () => {
      assert.throws(
        () => infoOf({ ...complete, ...changes }),
        (error) => {
          assert.ok(error instanceof Error);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /bmc-secret|calvin/);
          return true;
        },
      );
    });
  }
});
