import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  buildConfigDrive,
  ConfigDriveInvalid,
  decodeConfigDrive,
  maxConfigDriveBytes,
  parseConfigDrive,
} from './config-drive.ts';
import { readBody, readFrom, readVolume } from './iso/testing/read-iso.ts';

const node = { uuid: '5a6b7c8d-0000-4000-8000-000000000001', name: 'node-1' };

async function contentsOf(text: string): Promise<Record<string, string>> {
  const read = readFrom(decodeConfigDrive(text));
  const volume = await readVolume(read, 'joliet');
  assert.equal(volume.label, 'config-2');
  const bodies = [...volume.files].map(
    async ([path, file]) => [path, (await readBody(read, file)).toString()] as const,
  );
  return Object.fromEntries(await Promise.all(bodies));
}

test('every part of the data becomes its file on an image labelled config-2', async () => {
  const text = await buildConfigDrive(
    {
      meta_data: { name: 'mine', keys: ['ssh'] },
      network_data: { links: [] },
      user_data: '#cloud-config\n',
      vendor_data: { a: 1 },
    },
    node,
  );
  const { '/openstack/latest/meta_data.json': metaData = '', ...others } = await contentsOf(text);
  assert.deepEqual(JSON.parse(metaData), { uuid: node.uuid, name: 'mine', keys: ['ssh'] });
  assert.deepEqual(others, {
    '/openstack/latest/network_data.json': '{"links":[]}',
    '/openstack/latest/user_data': '#cloud-config\n',
    '/openstack/latest/vendor_data2.json': '{"a":1}',
  });
});

test('the metadata names the node when the user does not, and is there even for nothing', async () => {
  assert.deepEqual(await contentsOf(await buildConfigDrive({}, node)), {
    '/openstack/latest/meta_data.json': JSON.stringify(node),
  });
  assert.deepEqual(await contentsOf(await buildConfigDrive({ user_data: [1] }, { ...node, name: null })), {
    '/openstack/latest/meta_data.json': JSON.stringify({ uuid: node.uuid }),
    '/openstack/latest/user_data': '[1]',
  });
  assert.equal(await buildConfigDrive({}, node), await buildConfigDrive({}, node));
});

test('the three forms are told apart', () => {
  assert.deepEqual(parseConfigDrive('H4sI\nAAAA='), { kind: 'encoded', text: 'H4sI\nAAAA=' });
  assert.deepEqual(parseConfigDrive('x'), { kind: 'encoded', text: 'x' });
  assert.deepEqual(parseConfigDrive('https://a/b?c'), { kind: 'url', url: 'https://a/b?c' });
  const data = { meta_data: {}, user_data: null };
  assert.deepEqual(parseConfigDrive(data), { kind: 'data', data });
});

test('what is none of the forms is refused without repeating it', () => {
  const wrong: unknown[] = [
    'se cret!',
    'file:///secret',
    'ftp://secret',
    'secret://[',
    5,
    null,
    [],
    { secret: 1 },
    { meta_data: 'secret' },
    { network_data: [] },
    { user_data: 5 },
    { vendor_data: null },
    { __proto__: 1, toString: 'secret' },
  ];
  for (const value of wrong) {
    assert.throws(
      () => parseConfigDrive(value),
      (error) =>
        error instanceof ConfigDriveInvalid && error.status === 400 && !error.message.includes('secret!'),
      JSON.stringify(value),
    );
  }
});

test('a config drive is decoded from base64, from gzip and from the plain image', async () => {
  const text = await buildConfigDrive({}, node);
  const iso = decodeConfigDrive(text);
  const lines = text.replaceAll(/.{76}/g, '$&\n');
  const forms = [lines, Buffer.from(text), Buffer.from(lines), gzipSync(iso), iso];
  for (const form of forms) assert.ok(Buffer.from(iso).equals(decodeConfigDrive(form)));
});

test('a config drive that is damaged, something else or too large is refused', async () => {
  const cut = Buffer.from(await buildConfigDrive({}, node), 'base64').subarray(0, 200);
  const bomb = gzipSync(Buffer.alloc(maxConfigDriveBytes + 1)).toString('base64');
  for (const content of ['', 'x', 'plain text', cut, Buffer.alloc(0), bomb]) {
    assert.throws(() => decodeConfigDrive(content), ConfigDriveInvalid);
  }
  const userData = 'x'.repeat(maxConfigDriveBytes);
  await assert.rejects(buildConfigDrive({ user_data: userData }, node), ConfigDriveInvalid);
});
