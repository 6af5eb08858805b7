import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StepDefinition, StepOutcome } from '../steps.ts';
import { directDeploy } from './deploy.ts';
import { Bench } from './testing/bench.ts';
import { ScriptedAgent } from './testing/scripted-agent.ts';

const image = {
  image_source: 'http://images.example/disk.img',
  image_os_hash_algo: 'sha256',
  image_os_hash_value: 'ab'.repeat(32),
};

function stepNamed(name: string): StepDefinition {
  const step = directDeploy.steps?.find((each) => each.step === name);
  assert.ok(step, name);
  return step;
}

/** Runs a step under a conductor that keeps dying, until it waits or ends. */
async function run(bench: Bench, name: string): Promise<StepOutcome> {
  return await bench.throughDeaths(() => stepNamed(name).run(bench.task, {}));
}

/** The outcome of a step that ends, as an engine commits it; then the next step begins. */
async function end(bench: Bench, name: string): Promise<void> {
  const outcome = await run(bench, name);
  assert.equal(outcome.kind, 'done', name);
  bench.task.apply(outcome.changes);
  bench.task.memo = {};
  bench.task.attempt = 1;
}

const aBench = (node = {}) =>
  new Bench({ node: { instance_info: { ...image, configdrive: 'H4sIAAA=' }, ...node } });

describe('a deployment, under a conductor that dies at every commit and action', () => {
  it('does each thing once', async () => {
    await using agent = await ScriptedAgent.start();
    const bench = aBench();
    bench.power = 'power on'; // whatever runs on it is of no use
    const waits = await run(bench, 'deploy');
    assert.equal(waits.kind, 'wait');
    assert.deepEqual(bench.log, ['power off', 'insert', 'power on']);
    const token = bench.task.node.driver_internal_info['agent_secret_token'];
    assert.equal(bench.media?.['ipa-agent-token'], token);
    assert.equal(bench.task.node.power_state, 'power on');

    bench.hear(agent.url, agent.token);
    await end(bench, 'deploy');
    assert.equal((await run(bench, 'write_image')).kind, 'wait');
    agent.end({ command_status: 'SUCCEEDED', command_result: {} });
    await end(bench, 'write_image');
    await end(bench, 'prepare_instance_boot');
    agent.respond = () => ({ command_status: 'SUCCEEDED' });
    assert.deepEqual(await run(bench, 'tear_down_agent'), { kind: 'wait', for: 'poll', afterSeconds: 1 });
    bench.power = 'power off'; // as the agent was told
    await end(bench, 'tear_down_agent');
    await end(bench, 'switch_to_tenant_network');
    await end(bench, 'boot_instance');

    assert.deepEqual(bench.log, ['power off', 'insert', 'power on', 'eject', 'power on']);
    assert.deepEqual(
      agent.accepted.map(({ name }) => name),
      ['deploy.execute_deploy_step', 'standby.sync', 'standby.power_off'],
    );
    const told = agent.accepted[0]?.params['step'];
    assert.deepEqual(told, {
      interface: 'deploy',
      step: 'write_image',
      priority: 80,
      args: {
        image_info: {
          id: 'disk.img',
          urls: [image.image_source],
          os_hash_algo: 'sha256',
          os_hash_value: image.image_os_hash_value,
          image_type: 'whole-disk',
          stream_raw_images: true,
          node_uuid: bench.task.node.uuid,
        },
        configdrive: 'H4sIAAA=',
      },
    });
    const { agent_url, agent_secret_token } = bench.task.node.driver_internal_info;
    assert.deepEqual(
      { agent_url, agent_secret_token },
      { agent_url: undefined, agent_secret_token: undefined },
    );
  });

  it('tells the agent no secret of the node', async () => {
    await using agent = await ScriptedAgent.start();
    const bench = aBench({ driver_info: { redfish_password: 'bmc-secret' } });
    bench.power = 'power on';
    bench.task.apply({ driver_internal_info: { boot_media: { secret: 'media-secret' } } });
    bench.hear(agent.url, agent.token);
    await run(bench, 'write_image');
    const { step: _, ...others } = agent.accepted[0]?.params ?? {};
    const told = JSON.stringify(others);
    for (const secret of ['bmc-secret', 'media-secret', agent.token, 'H4sIAAA=']) {
      assert.ok(!told.includes(secret), secret);
    }
  });
});

describe('the boot of the agent', () => {
  it('takes no sign of life of an earlier boot for its own', async () => {
    const bench = aBench();
    bench.power = 'power on';
    bench.hear('http://127.0.0.1:9', 'the-token-of-an-earlier-boot-of-this-machine');
    assert.equal((await run(bench, 'deploy')).kind, 'wait');
    assert.deepEqual(bench.log, ['power off', 'insert', 'power on']);
  });

  it('fails when the machine turned itself off', async () => {
    const bench = aBench();
    await run(bench, 'deploy');
    bench.power = 'power off';
    await assert.rejects(run(bench, 'deploy'), /The machine turned off while the agent was booting/);
  });

  it('is done once more, and no more, when no agent was heard of in time', async () => {
    const bench = aBench();
    const first = ['insert', 'power on'];
    await run(bench, 'deploy');
    await bench.task.clock.sleep(899_000);
    await run(bench, 'deploy');
    assert.deepEqual(bench.log, first);
    await bench.task.clock.sleep(2000);
    assert.equal((await run(bench, 'deploy')).kind, 'wait');
    const second = [...first, 'power off', 'power on'];
    assert.deepEqual(bench.log, second);
    await bench.task.clock.sleep(2_000_000);
    assert.equal((await run(bench, 'deploy')).kind, 'wait');
    assert.deepEqual(bench.log, second);
  });

  it('reboots a machine that must not be powered off, once', async () => {
    const bench = aBench({ disable_power_off: true });
    bench.power = 'power on';
    assert.equal((await run(bench, 'deploy')).kind, 'wait');
    assert.deepEqual(bench.log, ['insert', 'rebooting']);
    assert.equal((await run(bench, 'deploy')).kind, 'wait');
    assert.deepEqual(bench.log, ['insert', 'rebooting']);
  });
});

describe('cleaning', () => {
  it('boots the agent, lists its steps by our priorities, and ends with the machine off', async () => {
    await using agent = await ScriptedAgent.start();
    const bench = new Bench({ flow: 'clean', settings: { deploy: { erase_devices_priority: 0 } } });
    assert.equal((await bench.throughDeaths(() => directDeploy.prepareAgent(bench.task))).kind, 'wait');
    bench.hear(agent.url, agent.token);
    assert.deepEqual(await directDeploy.prepareAgent(bench.task), { kind: 'done' });
    bench.task.memo = {};
    const listed = [
      { step: 'erase_devices', priority: 10, interface: 'deploy', reboot_requested: false, abortable: true },
      {
        step: 'erase_devices_metadata',
        priority: 99,
        interface: 'deploy',
        reboot_requested: false,
        abortable: true,
      },
      { step: 'update_bios', priority: 5, interface: 'deploy', reboot_requested: true },
      { nonsense: true },
      {
        step: 'flash',
        priority: 0,
        interface: 'deploy',
        argsinfo: { url: { required: true, nonsense: {} }, again: null },
        more: 'x',
      },
    ];
    agent.respond = () => ({
      command_status: 'SUCCEEDED',
      command_result: {
        clean_steps: { GenericHardwareManager: listed },
        hardware_manager_version: { GenericHardwareManager: '1', other: { deep: {} }, long: 'x'.repeat(256) },
      },
    });
    const steps = (await directDeploy.agentSteps?.(bench.task, 'clean')) ?? [];
    assert.deepEqual(
      steps.map(({ step, priority, abortable, origin }) => [step, priority, abortable, origin]),
      [
        ['erase_devices', 0, true, 'agent'],
        ['erase_devices_metadata', 99, true, 'agent'],
        ['update_bios', 5, false, 'agent'],
        ['flash', 0, false, 'agent'],
      ],
    );
    const takes = {
      url: { description: '', required: true },
      again: { description: '', required: false },
    };
    assert.deepEqual(steps[3]?.takes, takes);
    const { agent_cached_clean_steps: cached, agent_cached_clean_steps_refreshed: refreshed } =
      bench.task.node.driver_internal_info;
    const shown = { interface: 'deploy', abortable: false, reboot_requested: false };
    assert.deepEqual((cached as { deploy: unknown[] }).deploy[3], {
      ...shown,
      step: 'flash',
      priority: 0,
      argsinfo: takes,
    });
    assert.ok(Date.parse(String(refreshed)) > 0);
    const [, metadata, bios] = steps;
    assert.ok(metadata && bios);
    agent.respond = () => ({ command_status: 'SUCCEEDED', command_result: {} });
    assert.deepEqual(await directDeploy.runAgentStep?.(bench.task, metadata), { kind: 'done' });
    assert.deepEqual(agent.accepted.at(-1)?.params['clean_version'], { GenericHardwareManager: '1' });
    bench.task.memo = {};
    const afterwards = await directDeploy.runAgentStep?.(bench.task, bios);
    assert.deepEqual(afterwards, { kind: 'wait', for: 'reboot', thenRepeatStep: false });
    assert.equal(
      (
        await bench.throughDeaths(
          async () => (await directDeploy.rebootAgent?.(bench.task)) ?? { kind: 'done' },
        )
      ).kind,
      'wait',
    );
    bench.hear(agent.url, agent.token);
    assert.deepEqual(await directDeploy.rebootAgent?.(bench.task), { kind: 'done' });

    bench.task.memo = {};
    await bench.throughDeaths(() => directDeploy.tearDownAgent(bench.task));
    assert.deepEqual(bench.log, [
      'insert',
      'power on',
      'power off',
      'insert',
      'power on',
      'power off',
      'eject',
    ]);
  });
});

describe('an image', () => {
  const refused: [why: string, instanceInfo: Record<string, unknown>, message: RegExp][] = [
    ['has a source', { ...image, image_source: undefined }, /image_source/],
    ['comes by http', { ...image, image_source: 'file:///etc/shadow' }, /image_source.*http/],
    ['has a checksum', { image_source: image.image_source }, /image_checksum/],
    ['is not proven by md5', { image_source: image.image_source, image_checksum: 'a'.repeat(32) }, /md5/],
    ['is not proven by md5 named so', { ...image, image_os_hash_algo: 'MD5' }, /md5/],
    ['has a whole checksum', { ...image, image_os_hash_value: undefined }, /image_os_hash_value/],
    ['is of a whole disk', { ...image, image_type: 'partition' }, /image_type/],
    ['has a config drive of base64', { ...image, configdrive: '!' }, /config drive/],
    ['goes to a disk that hints can name', { ...image, root_device: { colour: 'red' } }, /colour/],
  ];
  for (const [why, instance_info, message] of refused) {
    it(why, async () => {
      const bench = new Bench({ node: { instance_info } });
      await assert.rejects(async () => await directDeploy.validate(bench.task), message);
    });
  }

  it('may be proven by md5 where the settings allow it', async () => {
    const instance_info = { image_source: image.image_source, image_checksum: 'a'.repeat(32) };
    const settings = { agent: { allow_md5_checksum: true } };
    await directDeploy.validate(new Bench({ node: { instance_info }, settings }).task);
  });
});
