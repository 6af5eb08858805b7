import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DemoResult } from '#sim/demo/result.ts';

const entry = fileURLToPath(new URL('../../sim/demo/main.ts', import.meta.url));

function startDemo(...args: string[]) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, exited: once(child, 'exit'), output: text(child.stdout), errors: text(child.stderr) };
}

describe('the demo', () => {
  it('takes a machine from bare BMC to a running image and back, and proves it', async () => {
    const demo = startDemo('--json', '--machines', '1');
    const [status] = await demo.exited;
    const lines = (await demo.output).trim().split('\n');
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(status, 0, await demo.errors);

    const states = told.filter(({ kind }) => kind === 'machine').map(({ state }) => state);
    for (const state of ['enroll', 'manageable', 'available', 'active'])
      assert.ok(states.includes(state), state);
    assert.ok(told.some(({ step, percent }) => step === 'write_image' && typeof percent === 'number'));

    const result = told.at(-1) as unknown as DemoResult & { kind: string }; // the last line has that form
    assert.equal(result.kind, 'result');
    assert.equal(result.ok, true);
    assert.deepEqual(result.failures, []);
    assert.equal(result.folder, null);
    const [machine] = result.machines;
    assert.ok(machine?.deployed && machine.erased && machine.timeline && result.image);
    assert.equal(machine.deployed.bytes_equal + machine.deployed.bytes_rewritten, result.image.bytes);
    assert.equal(machine.deployed.booted_from, 'disk');
    assert.deepEqual(machine.deployed.config_drive.files, [
      'meta_data.json',
      'user_data',
      'network_data.json',
    ]);
    assert.ok(machine.timeline.steps.some(({ step }) => step === 'write_image'));
  });

  it('ends everything and leaves nothing behind when it is interrupted', async () => {
    const demo = startDemo('--keep', '--json', '--machines', '1');
    const [chunk] = (await once(demo.child.stdout, 'data')) as [Buffer];
    assert.ok(chunk.length > 0);
    const [service] = await childrenOf(demo.child.pid ?? 0);
    demo.child.kill('SIGINT');
    const [status] = await demo.exited;
    assert.equal(status, 130);
    assert.match(await demo.errors, /^Interrupted/);
    await assert.rejects(access(`/proc/${service}`), 'the service is gone');
  });

  it('says in one sentence what is wrong with its options', async () => {
    const demo = startDemo('--machines', 'many');
    const [status] = await demo.exited;
    assert.equal(status, 2);
    assert.equal(await demo.errors, "demo: --machines takes a whole number from 1 to 50, not 'many'.\n");
  });
});

/** The processes that this one started. */
async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').map(Number);
}
