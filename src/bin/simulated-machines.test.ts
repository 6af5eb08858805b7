import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSimulatedMachines } from './simulated-machines.ts';
import { StartError } from './start-error.ts';

test('simulated machines are at the next start where enrolled nodes know them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'simulated-machines-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const first = await startSimulatedMachines(2, folder);
  const introduction = first.introduction('http://api');
  await assert.rejects(
    startSimulatedMachines(2, folder),
    (error) => error instanceof StartError && /port \d+ .* is taken/.test(error.message),
    'two at once would share disks',
  );
  await first.close();
  const second = await startSimulatedMachines(2, folder);
  t.after(() => second.close());
  assert.match(introduction, /--name sim-2 .*\n.*redfish_address=http/);
  assert.equal(second.introduction('http://api'), introduction);
});
