import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { startApi } from './testing/api-under-test.ts';

it('is not there unless it is enabled', async () => {
  await using api = await startApi();
  assert.equal((await fetch(`${api.url}/healthcheck`)).status, 404);
});

it('says OK in the form that is asked for, to whatever version', async () => {
  await using api = await startApi({ settings: { healthcheck: { enabled: true } } });
  const ask = async (accept: string) =>
    await fetch(`${api.url}/healthcheck`, { headers: { accept, 'x-openstack-ironic-api-version': '9.9' } });
  assert.equal(await (await ask('*/*')).text(), 'OK');
  assert.deepEqual(await (await ask('application/json')).json(), { detailed: false, reasons: ['OK'] });
  const page = await ask('text/html,application/xhtml+xml');
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  assert.match(await page.text(), /<P>OK<\/P>/);
  const head = await fetch(`${api.url}/healthcheck`, { method: 'HEAD' });
  assert.equal(head.status, 204);
});

it('takes the process out of the balance while a file is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-health-'));
  const file = join(folder, 'disabled');
  try {
    const options = {
      enabled: true,
      detailed: true,
      backends: ['disable_by_file'],
      disable_by_file_path: file,
    };
    await using api = await startApi({ settings: { healthcheck: options } });
    assert.equal((await fetch(`${api.url}/healthcheck`)).status, 200);
    writeFileSync(file, '');
    const away = await fetch(`${api.url}/healthcheck`, { headers: { accept: 'application/json' } });
    assert.equal(away.status, 503);
    const { detailed, reasons } = (await away.json()) as { detailed: boolean; reasons: { reason: string }[] };
    assert.deepEqual([detailed, reasons[0]?.reason], [true, 'DISABLED BY FILE']);
    rmSync(file);
    assert.equal((await fetch(`${api.url}/healthcheck`)).status, 200);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('takes only the port out that a file names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-health-'));
  const file = join(folder, 'disabled');
  writeFileSync(file, '');
  try {
    const health = {
      enabled: true,
      backends: ['disable_by_files_ports'],
      disable_by_file_paths: [`1:${file}`],
    };
    await using api = await startApi({ settings: { healthcheck: health } });
    assert.equal((await fetch(`${api.url}/healthcheck`)).status, 200);
  } finally {
    await rm(folder, { recursive: true });
  }
});
