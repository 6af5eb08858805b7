import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { systemClock, systemRandom } from '#model/clock.ts';
import { BmcSettingInvalid } from '../errors.ts';
import { defaultRedfishOptions, parseRedfishAddress, type RedfishTarget } from './options.ts';
import { RedfishPool } from './pool.ts';
import { aBmc, never, secret } from './testing/scripted-bmc.ts';

const logOut = 'DELETE /redfish/v1/SessionService/Sessions/1';

function aPool(connectionCacheSize: number): RedfishPool {
  const world = { clock: systemClock, random: systemRandom };
  return new RedfishPool({ ...defaultRedfishOptions, connectionCacheSize }, world);
}

function targetAt(address: string): RedfishTarget {
  return {
    address,
    username: secret.username,
    password: secret.password,
    authType: 'session',
    verifyCa: true,
  };
}

test('one client serves one BMC and user; another password is another client', async () => {
  await using bmc = await aBmc({ '/thing': {} });
  {
    await using pool = aPool(10);
    const target = targetAt(bmc.address);
    assert.equal(pool.client(target), pool.client({ ...target }));
    assert.notEqual(pool.client(target), pool.client({ ...target, password: 'other' }));
    await pool.client(target).get('/thing', never);
  }
  assert.equal(bmc.log.at(-1), logOut);
});

test('the client used longest ago ends its session when there are too many, and stays usable', async () => {
  await using bmc = await aBmc({ '/thing': {} });
  await using other = await aBmc();
  await using pool = aPool(1);
  const first = pool.client(targetAt(bmc.address));
  await first.get('/thing', never);
  const ended = bmc.arrival(logOut);
  pool.client(targetAt(other.address));
  await ended;
  await first.get('/thing', never);
  assert.notEqual(pool.client(targetAt(bmc.address)), first);
});

test('a client at work is not put out', async () => {
  await using bmc = await aBmc({ '/thing': {} });
  bmc.scripts.set('GET /hang', () => undefined);
  await using pool = aPool(0);
  const client = pool.client(targetAt(bmc.address));
  const stop = new AbortController();
  const arrived = bmc.arrival('GET /hang');
  const hanging = client.get('/hang', stop.signal);
  await arrived;
  assert.equal(pool.client(targetAt(bmc.address)), client);
  stop.abort(new Error('enough'));
  await assert.rejects(hanging, /enough/);
  await client.logOut();
});

test('an address is a host or a URL, its path the root of the service', () => {
  const cases: [address: string, origin: string, root: string][] = [
    ['10.0.0.1', 'https://10.0.0.1', '/redfish/v1/'],
    ['bmc.example:8443', 'https://bmc.example:8443', '/redfish/v1/'],
    ['http://bmc/', 'http://bmc', '/redfish/v1/'],
    ['https://bmc/proxy/redfish/v1', 'https://bmc', '/proxy/redfish/v1/'],
    ['fd00::1', 'https://[fd00::1]', '/redfish/v1/'],
  ];
  for (const [address, origin, root] of cases)
    assert.deepEqual(parseRedfishAddress(address), { origin, root });
  for (const address of ['', 'ftp://bmc', 'https://user:hunter2@bmc', 'https://bmc/?q', 'https://[', 'a b']) {
    assert.throws(
      () => parseRedfishAddress(address),
      (error) => error instanceof BmcSettingInvalid && !error.message.includes('hunter2'),
      address,
    );
  }
});

test('authorities that cannot be read are said to be so', async () => {
  await using pool = aPool(1);
  // Devices would be read without end.
  for (const verifyCa of ['/nonexistent/ca.pem', '/dev/zero', '/dev/null', '/proc/kmsg', 'a\0b'])
    assert.throws(() => pool.client({ ...targetAt('10.0.0.1'), verifyCa }), BmcSettingInvalid, verifyCa);
});

test('authorities are the files of a folder, up to a size', async () => {
  await using pool = aPool(1);
  const folder = await mkdtemp(join(tmpdir(), 'ingot-authorities-'));
  try {
    await writeFile(join(folder, 'empty.pem'), '');
    await symlink('nowhere', join(folder, 'gone.pem'));
    await writeFile(join(folder, 'one.pem'), rootCertificates[0] ?? '');
    const target = { ...targetAt('10.0.0.1'), verifyCa: folder };
    assert.ok(pool.client(target));
    await truncate(join(folder, 'empty.pem'), 2 ** 30);
    assert.throws(() => pool.client({ ...target, username: 'other' }), /more than 16777216 bytes/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
