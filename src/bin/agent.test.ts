// The agent as a process of its own, as the simulator starts it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { machineExit } from '#protocol/machine-file.ts';
import { aToken, serveBareMetalApi } from '#agent/testing/bare-metal-api.ts';
import { aMachine } from '#agent/testing/machine.ts';

const program = join(import.meta.dirname, 'agent.ts');

async function startProcess(args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const output = text(child.stderr);
  const exit = once(child, 'exit').then(async ([status]) => ({
    status: status as number | null,
    output: await output,
  }));
  return { child, exit };
}

for (const [command, status] of [
  ['standby.run_image', machineExit.reboot],
  ['standby.power_off', machineExit.powerOff],
] as const)
  test(`${command} ends the process with status ${status}`, async () => {
    await using api = await serveBareMetalApi();
    await using machine = await aMachine();
    const commandLine = join(machine.folder, 'cmdline');
    await writeFile(commandLine, `ipa-api-url=${api.url} ipa-heartbeat-min-gap=0.05\n`);
    const { exit } = await startProcess(['--cmdline-file', commandLine, '--machine', machine.machineFile]);
    const { body } = await api.request('/v1/heartbeat/');
    const url = `${String(body['callback_url'])}/v1/commands/?wait=false&agent_token=${aToken}`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ name: command, params: {} }) });
    assert.equal(answer.status, 200);
    const ended = await exit;
    assert.equal(ended.status, status);
    assert(!ended.output.includes(aToken));
  });

test('rescue.finalize_rescue keeps the password of the machine, ends the agent, and leaves the machine on', async () => {
  await using api = await serveBareMetalApi();
  await using machine = await aMachine();
  const commandLine = join(machine.folder, 'cmdline');
  await writeFile(commandLine, `ipa-api-url=${api.url} ipa-heartbeat-min-gap=0.05\n`);
  const { child, exit } = await startProcess([
    '--cmdline-file',
    commandLine,
    '--machine',
    machine.machineFile,
  ]);
  const { body } = await api.request('/v1/heartbeat/');
  const url = `${String(body['callback_url'])}/v1/commands/?wait=false&agent_token=${aToken}`;
  const tell = async (params: object): Promise<number> =>
    (await fetch(url, { method: 'POST', body: JSON.stringify({ name: 'rescue.finalize_rescue', params }) }))
      .status;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  child.stderr.on('data', (line: Buffer) => {
    if (line.includes('the agent ends: rescue')) resolve();
  });
  assert.equal(await tell({ rescue_password: 'plain', hashed: false }), 400);
  assert.equal(await tell({ rescue_password: '$5$salt$hash', hashed: true }), 200);
  const kept = await readFile(join(dirname(machine.machineFile), 'rescue-password'), 'utf8');
  assert.equal(kept, 'rescue:$5$salt$hash\n');
  await ended;
  await assert.rejects(fetch(url));
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  const { status, output } = await exit;
  assert.deepEqual([status, output.includes('$5$')], [0, false]);
});

test('SIGTERM ends the process with status 0', async () => {
  await using api = await serveBareMetalApi();
  await using machine = await aMachine();
  const commandLine = join(machine.folder, 'cmdline');
  await writeFile(commandLine, `ipa-api-url=${api.url}`);
  const { child, exit } = await startProcess([
    '--cmdline-file',
    commandLine,
    '--machine',
    machine.machineFile,
  ]);
  await api.request('/v1/heartbeat/');
  child.kill('SIGTERM');
  assert.equal((await exit).status, 0);
});

test('bad options, a missing file and a bad parameter are one clear line and a status', async () => {
  await using machine = await aMachine();
  const commandLine = join(machine.folder, 'cmdline');
  await writeFile(commandLine, 'ipa-listen-port=none');
  const unknown = await (await startProcess(['--nonsense'])).exit;
  assert.equal(unknown.status, 2);
  assert.match(unknown.output, /usage: agent\.ts/);
  const missing = await (await startProcess(['--cmdline-file', join(machine.folder, 'missing')])).exit;
  assert.equal(missing.status, 1);
  assert.match(missing.output, /ENOENT/);
  const wrong = await (
    await startProcess(['--cmdline-file', commandLine, '--machine', machine.machineFile])
  ).exit;
  assert.equal(wrong.status, 1);
  assert.match(wrong.output, /the agent gives up: The kernel parameter ipa-listen-port is "none"/);
});
