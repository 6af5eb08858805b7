import assert from 'node:assert/strict';
import { promisify } from 'node:util';
import { it } from 'node:test';
import { ConfigError } from '#config/config-error.ts';
import { lookupElsewhere } from '#config/lookup-elsewhere.ts';
import { parseWebhookUrl } from './webhook-address.ts';

const strictly = { allowLinkLocal: false };

for (const url of [
  'hunter2',
  'file:///etc/hunter2',
  'gopher://hunter2/',
  'http://hunter2:hunter2@host/',
  'http://169.254.169.254/hunter2',
  'http://0xa9fea9fe/hunter2',
  'http://2852039166/hunter2',
  'http://[fe80::1]/hunter2',
  'http://[::ffff:169.254.169.254]/hunter2',
  'http://[fd00:ec2::254]/hunter2',
])
  it(`nothing is posted to ${url}, and the refusal does not tell it`, () => {
    assert.throws(
      () => parseWebhookUrl(url, strictly),
      (error) => error instanceof ConfigError && !error.message.includes('hunter2'),
    );
  });

for (const url of [
  'http://127.0.0.1:8080/a?b=c',
  'https://example.com/',
  'http://[::1]/',
  'http://10.0.0.1/',
])
  it(`notifications may be posted to ${url}`, () => {
    assert.equal(parseWebhookUrl(url, strictly).href, url);
  });

it('a link-local address is posted to where that is allowed', () => {
  assert.equal(parseWebhookUrl('http://169.254.0.1/', { allowLinkLocal: true }).hostname, '169.254.0.1');
});

it('a name that leads to a link-local address leads nowhere', async () => {
  const find = promisify(lookupElsewhere) as (name: string, options: { all: boolean }) => Promise<unknown>;
  await assert.rejects(find('169.254.169.254', { all: true }), /link-local/);
  assert.deepEqual(await find('127.0.0.1', { all: true }), [{ address: '127.0.0.1', family: 4 }]);
});
