import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driverSecretKeys, instanceSecretKeys, isSecretKey, mask, maskSecrets } from './secrets.ts';

test('secrets are masked by the names of their keys, at any depth, and the original stays', () => {
  const info = {
    redfish_address: 'https://bmc',
    redfish_password: 'hunter2',
    nested: [{ Agent_Secret_Token: 'abc', size: 3 }],
    snmp_auth_key: 'k',
  };
  assert.deepEqual(maskSecrets(info, driverSecretKeys), {
    redfish_address: 'https://bmc',
    redfish_password: mask,
    nested: [{ Agent_Secret_Token: mask, size: 3 }],
    snmp_auth_key: mask,
  });
  assert.equal(info.redfish_password, 'hunter2');
});

test("a config drive is a secret by name, an image's URL only for who may not see instance secrets", () => {
  assert.ok(isSecretKey('configdrive'));
  assert.deepEqual(maskSecrets({ image_url: 'u' }), { image_url: 'u' });
  assert.deepEqual(maskSecrets({ image_url: 'u' }, instanceSecretKeys), { image_url: mask });
});
