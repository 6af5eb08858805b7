import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { systemClock } from '#model/clock.ts';
import type { AgentCommand, AgentCommandError } from '#protocol/agent-commands.ts';
import type { AgentEnd } from './agent-context.ts';
import { createLog } from './log.ts';
import { machineHardware } from './machine-hardware.ts';
import { parseParameters } from './parameters.ts';
import { runAgent } from './run-agent.ts';
import { aToken, nodeUuid, serveBareMetalApi } from './testing/bare-metal-api.ts';
import type { ApiAnswers, BareMetalApi } from './testing/bare-metal-api.ts';
import { aGptImage, anIso, sha256 } from './testing/disk-images.ts';
import { serveImage } from './testing/image-server.ts';
import { aMachine, gibibyte } from './testing/machine.ts';
import type { TestMachine } from './testing/machine.ts';

const quick =
  'ipa-heartbeat-min-gap=0.02 ipa-lookup-interval=0.01 ipa-inspection-retry-interval=0.01 ipa-disk-wait-delay=0.01';
const node = { uuid: nodeUuid, properties: {}, instance_info: {}, driver_internal_info: {} };

interface RunningAgent extends AsyncDisposable {
  end: Promise<AgentEnd>;
  log: string[];
}

function startAgent(machine: TestMachine, commandLine: string): RunningAgent {
  const stop = new AbortController();
  const log: string[] = [];
  const end = runAgent({
    parameters: parseParameters(`${quick} ${commandLine}`),
    hardware: machineHardware(machine.machine, () => {}),
    log: createLog((line) => log.push(line)),
    clock: systemClock,
    signal: stop.signal,
  });
  end.catch(() => {}); // asserted on by the tests that await it
  return {
    end,
    log,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await end.catch(() => {});
    },
  };
}

/** An agent that has sent its first heartbeat, and the way to its API. */
async function aServingAgent(answers: ApiAnswers = {}, diskSizes = [4 * gibibyte], commandLine = '') {
  const resources = new AsyncDisposableStack();
  const api = resources.use(await serveBareMetalApi(answers));
  const machine = resources.use(await aMachine(diskSizes));
  const agent = resources.use(startAgent(machine, `ipa-api-url=${api.url} ${commandLine}`));
  const { body } = await api.request('/v1/heartbeat/');
  const callbackUrl = String(body['callback_url']);
  const call = async (path: string, init?: RequestInit) => {
    const response = await fetch(callbackUrl + path, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const command = (name: string, params: unknown, { wait = true, token = aToken } = {}) =>
    call(`/v1/commands/?wait=${wait}&agent_token=${token}`, {
      method: 'POST',
      body: JSON.stringify({ name, params }),
    });
  return {
    api,
    machine,
    agent,
    call,
    command,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

test('an agent looks its node up, heartbeats, and answers what it is', async () => {
  await using serving = await aServingAgent();
  const [root, lookup, heartbeat] = serving.api.seen;
  assert.equal(root?.path, '/');
  assert.equal(lookup?.query.get('addresses'), '52:54:00:aa:bb:01');
  assert.equal(lookup?.version, '1.62');
  assert.equal(heartbeat?.path, `/v1/heartbeat/${nodeUuid}`);
  assert.equal(heartbeat?.version, '1.68');
  assert.equal(heartbeat?.body['agent_token'], aToken);
  assert.match(String(heartbeat?.body['callback_url']), /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.match(String(heartbeat?.body['agent_version']), /^\d+\.\d+\.\d+$/);
  const document = await serving.call('/');
  assert.equal((document.body['default_version'] as { id: string }).id, 'v1');
  assert.equal((await serving.call('/v1/')).body['id'], 'v1');
  assert.equal(typeof (await serving.call('/v1/status')).body['started_at'], 'number');
  assert.deepEqual((await serving.call(`/v1/commands?agent_token=${aToken}`)).body, { commands: [] });
});

test('inspection is posted before the lookup, again after errors, with the whole inventory', async () => {
  await using api = await serveBareMetalApi({ statuses: { '/v1/continue_inspection': [503, 409] } });
  await using machine = await aMachine();
  await using _agent = startAgent(
    machine,
    `ipa-api-url=${api.url} ipa-inspection-callback-url=${api.url}/v1/continue_inspection BOOTIF=01-52-54-00-aa-bb-01`,
  );
  const { body, version } = await api.request('/v1/continue_inspection', 3);
  await api.request('/v1/lookup');
  assert.equal(version, null);
  assert.equal(body['error'], null);
  const inventory = body['inventory'] as Record<string, unknown[]>;
  assert.deepEqual(Object.keys(inventory).toSorted(), [
    'bmc_address',
    'bmc_mac',
    'bmc_v6address',
    'boot',
    'cpu',
    'disks',
    'hostname',
    'interfaces',
    'memory',
    'system_vendor',
  ]);
  const [disk] = inventory['disks'] as { size: number }[];
  assert.equal(disk?.size, 4 * gibibyte);
  assert.equal((body['root_disk'] as { name: string }).name, '/dev/sda');
  const logs = gunzipSync(Buffer.from(String(body['logs']), 'base64'));
  assert.equal(logs.toString('latin1', 0, 15), 'ingot-agent.log');
});

test('inspection that is refused is not repeated, and the agent goes on', async () => {
  await using api = await serveBareMetalApi({ statuses: { '/v1/continue_inspection': [404, 404] } });
  await using machine = await aMachine();
  await using _agent = startAgent(
    machine,
    `ipa-api-url=${api.url} ipa-inspection-callback-url=${api.url}/v1/continue_inspection`,
  );
  await api.request('/v1/heartbeat/');
  assert.equal(api.seen.filter(({ path }) => path === '/v1/continue_inspection').length, 1);
});

test('a lookup is repeated until the API has the node', async () => {
  await using serving = await aServingAgent({ statuses: { '/v1/lookup': [404, 500] } });
  assert.equal(serving.api.seen.filter(({ path }) => path === '/v1/lookup').length, 3);
});

test('a lookup that finds nothing in its time ends the agent', async () => {
  await using api = await serveBareMetalApi({ statuses: { '/v1/lookup': Array(1000).fill(404) } });
  await using machine = await aMachine();
  await using agent = startAgent(machine, `ipa-api-url=${api.url} ipa-lookup-timeout=0.1`);
  await assert.rejects(
    agent.end,
    /No node was found for 52:54:00:aa:bb:01 within 0\.1 s; last: the API answers 404/,
  );
});

test('a masked token without one of its own makes an agent refuse to go on', async () => {
  await using api = await serveBareMetalApi({ token: '******' });
  await using machine = await aMachine();
  await using agent = startAgent(machine, `ipa-api-url=${api.url}`);
  await assert.rejects(agent.end, /refusing to go on/);
  assert(api.seen.every(({ path }) => !path.startsWith('/v1/heartbeat')));
});

test('a token from the kernel parameters goes before what the lookup says', async () => {
  const own = 'b'.repeat(43);
  await using serving = await aServingAgent(
    { token: '******' },
    [],
    `ipa-agent-token=${own} ipa-disk-wait-attempts=1`,
  );
  assert.equal(serving.api.seen.at(-1)?.body['agent_token'], own);
  assert.equal((await serving.command('standby.sync', {}, { token: own })).status, 200);
});

test('heartbeats go on when the API fails, and come at once when a command has ended', async () => {
  await using serving = await aServingAgent({ statuses: { [`/v1/heartbeat/${nodeUuid}`]: [503, 409, 500] } });
  await serving.api.request('/v1/heartbeat/', 4);
  await serving.command('clean.execute_clean_step', {
    step: { step: 'erase_devices_metadata' },
    node,
    ports: [],
  });
  // The next one by the clock would come after 90 s.
  await serving.api.request('/v1/heartbeat/', 5);
});

test('commands need the token', async () => {
  await using serving = await aServingAgent();
  for (const token of ['', 'wrong', `${aToken}x`]) {
    const { status, body } = await serving.command('standby.sync', {}, { token });
    assert.equal(status, 401);
    assert.equal(body['faultcode'], 'Client');
  }
  assert.equal((await serving.call('/v1/commands/')).status, 401);
  assert.equal((await serving.call('/v1/commands/some-id')).status, 401);
});

test('what cannot be understood is answered as such', async () => {
  await using serving = await aServingAgent();
  const cases: [name: unknown, params: unknown, status: number, message: RegExp][] = [
    ['nonsense.sync', {}, 404, /no extension named "nonsense"/],
    ['standby.nonsense', {}, 400, /no command named "standby.nonsense"/],
    ['standby', {}, 400, /no command named "standby"/],
    ['standby.constructor', {}, 400, /no command named/],
    ['constructor.sync', {}, 404, /no extension/],
    ['standby.sync', null, 400, /Missing or invalid name or params/],
    ['standby.sync', [], 400, /Missing or invalid name or params/],
    [7, {}, 400, /Missing or invalid name or params/],
    ['standby.prepare_image', {}, 400, /needs the parameter image_info/],
    ['clean.get_clean_steps', { node: 'text', ports: [] }, 400, /parameter node is not an object/],
  ];
  for (const [name, params, status, message] of cases) {
    const result = await serving.command(name as string, params); // wrong types are the point
    assert.equal(result.status, status, String(name));
    assert.match(String(result.body['faultstring']), message);
  }
  const garbage = await serving.call(`/v1/commands/?agent_token=${aToken}`, {
    method: 'POST',
    body: '{"secret',
  });
  assert.deepEqual(garbage, {
    status: 400,
    body: { faultcode: 'Client', faultstring: 'The body is not JSON' },
  });
  assert.equal((await serving.call(`/v1/commands/none?agent_token=${aToken}`)).status, 404);
  assert.equal((await serving.call('/v2/')).status, 404);
  assert.equal((await serving.call('//')).status, 404);
});

test('an unknown parameter fails the command as a TypeError, on which conductors leave it out', async () => {
  await using serving = await aServingAgent();
  const { status, body } = await serving.command('standby.sync', { newer: 1 });
  assert.equal(status, 200);
  assert.equal(body['command_status'], 'FAILED');
  assert.equal((body['command_error'] as AgentCommandError).type, 'TypeError');
});

test('steps are listed by kind, each once', async () => {
  await using serving = await aServingAgent();
  const { body } = await serving.command('clean.get_clean_steps', { node, ports: [] });
  const result = body['command_result'] as {
    clean_steps: Record<string, { step: string; priority: number }[]>;
    hardware_manager_version: unknown;
  };
  const steps = Object.values(result.clean_steps).flat();
  assert.deepEqual(
    steps.map(({ step, priority }) => [step, priority]),
    [
      ['erase_devices_metadata', 99],
      ['erase_devices', 10],
      ['erase_devices_express', 0],
    ],
  );
  const deploy = await serving.command('deploy.get_deploy_steps', { node, ports: [] });
  assert.match(JSON.stringify(deploy.body), /"step":"write_image","priority":0,"interface":"deploy"/);
  const service = await serving.command('service.get_service_steps', { node, ports: [] });
  assert.match(JSON.stringify(service.body), /"service_steps"/);
});

test('a step listed by other versions is not run', async () => {
  await using serving = await aServingAgent();
  const { body } = await serving.command('clean.execute_clean_step', {
    step: { step: 'erase_devices', interface: 'deploy' },
    node,
    ports: [],
    clean_version: { generic_hardware_manager: '0' },
  });
  assert.equal(body['command_status'], 'CLEAN_VERSION_MISMATCH');
  const known = { step: { step: 'nonsense', interface: 'deploy' }, node, ports: [] };
  const unknown = await serving.command('deploy.execute_deploy_step', known);
  assert.match(JSON.stringify(unknown.body['command_error']), /no deploy step named/);
});

test('write_image makes the disk that the hints name ready, tells how far it is, and keeps secrets', async () => {
  await using serving = await aServingAgent({}, [128 * 1024 ** 2, 128 * 1024 ** 2]);
  const image = aGptImage();
  const iso = anIso();
  await using server = await serveImage(image);
  const configdrive = gzipSync(iso).toString('base64');
  const step = {
    step: 'write_image',
    interface: 'deploy',
    args: {
      image_info: { id: 'disk', urls: [server.url], os_hash_algo: 'sha256', os_hash_value: sha256(image) },
      configdrive,
    },
  };
  const named = { ...node, instance_info: { root_device: { serial: 'SERIAL-0' } } };
  const { body } = await serving.command('deploy.execute_deploy_step', {
    step,
    node: named,
    ports: [],
    deploy_version: null,
  });
  assert.equal(body['command_error'], null);
  assert.match(
    JSON.stringify(body['command_result']),
    /"deploy_result":"image \(disk\) written to device \/dev\/sda root_uuid=0x1234abcd"/,
  );
  assert.deepEqual(body['command_step'], { step: 'write_image', interface: 'deploy' });
  assert.equal((body as unknown as AgentCommand).command_progress?.phase, 'config drive');
  const text = JSON.stringify(body);
  assert(!text.includes(configdrive) && !text.includes('signature'));
  await assertProvisioned(serving.machine, image, iso);
  const untouched = await readFile(serving.machine.diskFiles[1] ?? '');
  assert(untouched.every((byte) => byte === 0));
  const uuids = await serving.command('standby.get_partition_uuids', {});
  assert.deepEqual(uuids.body['command_result'], { 'root uuid': '0x1234abcd' });
});

async function assertProvisioned(machine: TestMachine, image: Buffer, iso: Buffer) {
  const disk = await readFile(machine.diskFiles[0] ?? '');
  // The table's header and entries are the disk's now; all content behind it is the image's.
  assert(disk.subarray(34 * 512, image.length).equals(image.subarray(34 * 512)));
  const start = disk.length - 65 * 1024 ** 2; // aligned down to a mebibyte before the backup table
  assert(disk.subarray(start, start + iso.length).equals(iso));
}

test('one command at a time: a second one is refused while the first is seen running', async () => {
  await using serving = await aServingAgent();
  const image = aGptImage();
  await using server = await serveImage(image, { stalls: 1, stallAfterBytes: 1_500_000 });
  const image_info = { id: 'disk', urls: [server.url], checksum: sha256(image) };
  const { body: started } = await serving.command('standby.prepare_image', { image_info }, { wait: false });
  assert.equal(started['command_status'], 'RUNNING');
  const busy = await serving.command('standby.sync', {});
  assert.equal(busy.status, 409);
  assert.match(String(busy.body['faultstring']), /Agent is busy executing prepare_image/);
  const listed = await serving.call(`/v1/commands/?agent_token=${aToken}`);
  assert.equal((listed.body['commands'] as AgentCommand[])[0]?.command_status, 'RUNNING');
});

test('a failed command says why, and the agent takes the next one', async () => {
  await using serving = await aServingAgent();
  await using server = await serveImage(aGptImage());
  const image_info = { id: 'disk', urls: [server.url], checksum: '0'.repeat(64) };
  const { body } = await serving.command('standby.prepare_image', { image_info });
  assert.equal(body['command_status'], 'FAILED');
  assert.equal((body['command_error'] as AgentCommandError).type, 'ImageChecksumError');
  const hints = { ...node, properties: { root_device: { serial: 'none such' } } };
  const step = { step: 'write_image', interface: 'deploy', args: { image_info } };
  const missing = await serving.command('deploy.execute_deploy_step', { step, node: hints, ports: [] });
  assert.match(JSON.stringify(missing.body['command_error']), /No disk matches the root device hints/);
  assert.equal((await serving.command('standby.sync', {})).body['command_status'], 'SUCCEEDED');
});

test('erase_devices leaves nothing, except on disks to skip and disks that take no writes', async () => {
  await using serving = await aServingAgent({}, [8 * 1024 ** 2, 8 * 1024 ** 2, 8 * 1024 ** 2]);
  const content = Buffer.alloc(8 * 1024 ** 2, 7);
  for (const file of serving.machine.diskFiles) await writeFile(file, content);
  const [, , third] = serving.machine.machine.disks;
  assert(third);
  third.read_only = true;
  const skipping = {
    ...node,
    properties: { skip_block_devices: [{ name: '/dev/sdb' }, { volume_name: 'x' }] },
    driver_internal_info: { agent_erase_skip_read_only: true },
  };
  for (const step of ['erase_devices_metadata', 'erase_devices']) {
    const { body } = await serving.command('clean.execute_clean_step', {
      step: { step, interface: 'deploy' },
      node: skipping,
      ports: [],
    });
    assert.deepEqual(body['command_result'], {
      clean_result: null,
      clean_step: { step, interface: 'deploy' },
    });
  }
  const [first, second, last] = await Promise.all(serving.machine.diskFiles.map((file) => readFile(file)));
  assert(first?.every((byte) => byte === 0) && first.length === content.length);
  assert(second?.equals(content));
  assert(last?.equals(content));

  // Unless the operator said so, what stays on a disk is not to be passed on as erased.
  const step = { step: 'erase_devices', interface: 'deploy' };
  const careful = { ...skipping, driver_internal_info: { agent_erase_skip_read_only: false } };
  const { body } = await serving.command('clean.execute_clean_step', { step, node: careful, ports: [] });
  assert.equal(body['command_status'], 'FAILED');
  assert.match(JSON.stringify(body['command_error']), /\/dev\/sdc: it takes no writes/);
});

test('hardware and logs are told on request', async () => {
  await using serving = await aServingAgent();
  const info = await serving.command('poll.get_hardware_info', {});
  assert.equal((info.body['command_result'] as { hostname: string }).hostname, 'machine-1');
  const logs = await serving.command('log.collect_system_logs', {});
  const tar = gunzipSync(
    Buffer.from((logs.body['command_result'] as { system_logs: string }).system_logs, 'base64'),
  );
  assert.match(tar.toString(), /this machine is node 1be26c0b/);
  assert(!tar.includes(aToken));
});

for (const [name, end] of [
  ['standby.run_image', 'reboot'],
  ['standby.power_off', 'powerOff'],
  ['system.lockdown', 'lockdown'],
] as const)
  test(`${name} is answered and ends the agent`, async () => {
    await using serving = await aServingAgent();
    const { body } = await serving.command(name, {});
    assert.equal(body['command_status'], 'SUCCEEDED');
    assert.equal(await serving.agent.end, end);
  });

test('an agent without an API only inspects, and takes no commands', async () => {
  await using api: BareMetalApi = await serveBareMetalApi();
  await using machine = await aMachine();
  await using agent = startAgent(machine, `ipa-inspection-callback-url=${api.url}/v1/continue_inspection`);
  await api.request('/v1/continue_inspection');
  assert(api.seen.every(({ path }) => path === '/v1/continue_inspection'));
  assert.deepEqual(
    agent.log.filter((line) => line.includes(' error ')),
    [],
  );
});
