import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  driverSecretKeys,
  hideInUrls,
  instanceSecretKeys,
  isSecretKey,
  mask,
  maskSecrets,
} from './secrets.ts';

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

test('URLs in a text keep to themselves who signs in, and what their query says', () => {
  assert.equal(
    hideInUrls(
      'GET "https://me:p@ss@images/a.raw" and ftp://me@x/b: 403, see http://images/c?sig=abc&e=1 (late)',
    ),
    'GET "https://******@images/a.raw" and ftp://******@x/b: 403, see http://images/c?****** (late)',
  );
  const plain = 'mail me@example.org about https://images/a.raw; really?';
  assert.equal(hideInUrls(plain), plain);
  assert.equal(hideInUrls('http://a/#b?c http://a?b?c#d'), 'http://a/#b?c http://a?******');
});

test('a text of a mebibyte is looked through once', () => {
  // From every scheme anew, this would take a quarter of an hour.
  for (const part of ['http://', 'http://a:', 'http://@', '://@?'])
    assert.equal(typeof hideInUrls(part.repeat(2 ** 18)), 'string');
});
