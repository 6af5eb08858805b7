import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StepOutcome } from '../steps.ts';
import { agentRescue } from './rescue.ts';
import { Bench } from './testing/bench.ts';
import { ScriptedAgent } from './testing/scripted-agent.ts';

const hashed_rescue_password = '$5$salt$hash';

function aBench(node = {}): Bench {
  const bench = new Bench({ flow: 'rescue', node: { instance_info: { hashed_rescue_password }, ...node } });
  bench.power = 'power on';
  bench.bootDevice = { boot_device: 'disk', persistent: true };
  return bench;
}

const rescue = async (bench: Bench): Promise<StepOutcome> =>
  (await agentRescue.rescue?.(bench.task)) ?? assert.fail('there is no rescue');
const unrescue = async (bench: Bench): Promise<StepOutcome> =>
  (await agentRescue.unrescue?.(bench.task)) ?? assert.fail('there is no unrescue');

async function untilBooted(bench: Bench, agent: ScriptedAgent): Promise<void> {
  assert.equal((await bench.throughDeaths(async () => await rescue(bench))).kind, 'wait');
  bench.hear(agent.url, agent.token);
}

describe('rescue by the agent', () => {
  it('boots the agent once and gives it the hashed password, under a conductor that dies at every commit', async () => {
    await using agent = await ScriptedAgent.start();
    agent.respond = () => ({ command_status: 'SUCCEEDED' });
    const bench = aBench();
    await untilBooted(bench, agent);
    assert.deepEqual(bench.log, ['power off', 'insert', 'power on']);
    const outcome = await bench.throughDeaths(async () => await rescue(bench));
    assert.equal(outcome.kind, 'done');
    const params = { rescue_password: hashed_rescue_password, hashed: true };
    assert.ok(agent.accepted.length > 0);
    for (const told of agent.accepted) assert.deepEqual(told, { name: 'rescue.finalize_rescue', params });
    assert.deepEqual(bench.log, ['power off', 'insert', 'power on', 'eject']);
    bench.task.apply(outcome.changes);
    assert.equal(bench.task.node.driver_internal_info['agent_secret_token'], undefined);
  });

  it('takes an agent that went after it was told for one that took the password', async () => {
    await using agent = await ScriptedAgent.start();
    const bench = aBench();
    await untilBooted(bench, agent);
    agent.intercept = (request) => {
      if (request.method !== 'POST') return false;
      request.socket.destroy();
      return true;
    };
    assert.equal((await rescue(bench)).kind, 'wait');
    await agent.stop();
    assert.equal((await rescue(bench)).kind, 'done');
  });

  it('waits for an agent that cannot be reached and was told nothing', async () => {
    await using agent = await ScriptedAgent.start();
    const bench = aBench();
    await untilBooted(bench, agent);
    await agent.stop();
    for (let time = 0; time < 3; time += 1) assert.equal((await rescue(bench)).kind, 'wait');
    await agent.listen();
    agent.respond = () => ({ command_status: 'SUCCEEDED' });
    assert.equal((await rescue(bench)).kind, 'done');
  });

  it('fails with words for an agent that heartbeats and cannot be called', async () => {
    await using agent = await ScriptedAgent.start();
    const bench = aBench();
    await untilBooted(bench, agent);
    await agent.stop();
    const comeAgain = async (): Promise<StepOutcome> => {
      await bench.task.clock.sleep(bench.task.settings.agent.command_wait_interval * 1000);
      bench.hear(agent.url, agent.token);
      return await rescue(bench);
    };
    assert.equal((await comeAgain()).kind, 'wait');
    assert.equal((await comeAgain()).kind, 'wait');
    await assert.rejects(
      comeAgain,
      /heartbeats but cannot be called while it was to be given the rescue password: .*cannot be reached/,
    );
  });

  it('fails with the agent’s words', async () => {
    await using agent = await ScriptedAgent.start();
    const bench = aBench();
    await untilBooted(bench, agent);
    const message = 'There is no user rescue';
    const command_error = { type: 'CommandExecutionError', code: 500, message, details: message };
    agent.respond = () => ({ command_status: 'FAILED', command_error });
    await assert.rejects(rescue(bench), /setting the rescue password: There is no user rescue/);
  });
});

describe('unrescue', () => {
  it('boots the instance once', async () => {
    const bench = aBench();
    const outcome = await bench.throughDeaths(async () => await unrescue(bench));
    assert.equal(outcome.kind, 'done');
    assert.deepEqual(bench.log, ['power off', 'power on']);
    assert.deepEqual(bench.bootDevice, { boot_device: 'disk', persistent: true });
  });

  it('reboots a machine that must never be off', async () => {
    const bench = aBench({ disable_power_off: true });
    assert.equal((await unrescue(bench)).kind, 'done');
    assert.deepEqual(bench.log, ['rebooting']);
  });
});
