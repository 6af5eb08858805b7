import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAgentCommand, type AgentCommandPlan } from './agent-command.ts';
import { AgentCommandFailed, AgentLost } from './agent-faults.ts';
import { Bench } from './testing/bench.ts';
import { ScriptedAgent } from './testing/scripted-agent.ts';

const writing: AgentCommandPlan = {
  name: 'deploy.execute_deploy_step',
  what: 'writing the image',
  mayRepeat: true,
  params: () => ({ step: { step: 'write_image' } }),
};
const settings = { agent: { require_tls: false, command_wait_interval: 6, max_command_attempts: 1 } };

async function aBenchWithAgent() {
  const agent = await ScriptedAgent.start();
  const bench = new Bench({ settings });
  bench.power = 'power on';
  bench.hear(agent.url, agent.token);
  return { agent, bench };
}

describe('a command to the agent', () => {
  it('is sent once, waited for, and gives its result', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    const first = await runAgentCommand(bench.task, writing);
    assert.deepEqual(first, { kind: 'waiting', outcome: { kind: 'wait', for: 'agent', pollSeconds: 6 } });
    assert.equal((await runAgentCommand(bench.task, writing)).kind, 'waiting');
    agent.end({ command_status: 'SUCCEEDED', command_result: { deploy_result: 'written' } });
    const last = await runAgentCommand(bench.task, writing);
    assert.deepEqual(last, { kind: 'finished', result: { deploy_result: 'written' } });
    assert.deepEqual(agent.accepted, [{ name: writing.name, params: { step: { step: 'write_image' } } }]);
  });

  it('is sent once however often the conductor dies', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    const run = async () => {
      const ran = await runAgentCommand(bench.task, writing);
      return ran.kind === 'waiting' ? ran.outcome : ({ kind: 'done' } as const);
    };
    await bench.throughDeaths(run);
    await bench.throughDeaths(run);
    assert.equal(agent.accepted.length, 1);
  });

  it('that was taken though its answer was lost is found in the list', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    // The connection breaks after the command was taken.
    let drops = 0;
    agent.intercept = (request, response) => {
      if (request.method !== 'POST' || drops > 0) return false;
      drops += 1;
      agent.accepted.push({ name: writing.name, params: {} });
      agent.commands.push({
        id: 'taken',
        command_name: 'execute_deploy_step',
        command_status: 'RUNNING',
        command_error: null,
        command_result: null,
        command_progress: null,
        command_step: null,
      });
      response.destroy();
      return true;
    };
    assert.equal((await runAgentCommand(bench.task, writing)).kind, 'waiting');
    agent.end({ command_status: 'SUCCEEDED', command_result: {} });
    assert.equal((await runAgentCommand(bench.task, writing)).kind, 'finished');
    assert.equal(agent.accepted.length, 1);
  });

  it('of an earlier step with the same name is not taken for this one', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    agent.respond = () => ({ command_status: 'SUCCEEDED', command_result: { which: 'earlier' } });
    await runAgentCommand(bench.task, writing);
    bench.task.memo = {};
    agent.respond = () => ({ command_status: 'SUCCEEDED', command_result: { which: 'this' } });
    const ran = await runAgentCommand(bench.task, writing);
    assert.deepEqual(ran, { kind: 'finished', result: { which: 'this' } });
  });

  it('fails with what the agent says', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    agent.respond = () => ({
      command_status: 'FAILED',
      command_error: {
        type: 'ImageChecksumError',
        code: 500,
        message: 'Error verifying image checksum',
        details: 'Error verifying image checksum: expected aa, got bb',
      },
    });
    await assert.rejects(runAgentCommand(bench.task, writing), (error) => {
      assert.ok(error instanceof AgentCommandFailed);
      assert.equal(error.type, 'ImageChecksumError');
      assert.match(error.message, /failed at writing the image: .*expected aa, got bb$/);
      return true;
    });
  });

  it('is outdated for an agent with other hardware managers than those that listed the step', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    agent.respond = () => ({ command_status: 'CLEAN_VERSION_MISMATCH' });
    assert.deepEqual(await runAgentCommand(bench.task, writing), { kind: 'outdated' });
  });

  it('waits while the agent is busy with another', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    agent.commands.push({
      id: 'other',
      command_name: 'sync',
      command_status: 'RUNNING',
      command_error: null,
      command_result: null,
      command_progress: null,
      command_step: null,
    });
    assert.equal((await runAgentCommand(bench.task, writing)).kind, 'waiting');
    agent.end({ command_status: 'SUCCEEDED' });
    await runAgentCommand(bench.task, writing);
    assert.equal(agent.accepted.length, 1);
  });

  it('is sent again to an agent that began anew, but not without end', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    for (let boot = 1; boot <= 4; boot += 1) {
      await runAgentCommand(bench.task, writing);
      assert.equal(agent.accepted.length, boot);
      agent.restart();
    }
    await assert.rejects(runAgentCommand(bench.task, writing), {
      name: 'AgentLost',
      message: 'The agent started anew 4 times while writing the image.',
    });
  });

  it('that must not be done twice fails when the agent began anew', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    const once = { ...writing, mayRepeat: false, what: 'creating the RAID' };
    await runAgentCommand(bench.task, once);
    agent.restart();
    await assert.rejects(runAgentCommand(bench.task, once), (error) => {
      assert.ok(error instanceof AgentLost);
      assert.match(error.message, /started anew while creating the RAID/);
      return true;
    });
    assert.equal(agent.accepted.length, 1);
  });

  it('notes how far it is', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    const progress = {
      phase: 'download' as const,
      bytes_done: 37,
      bytes_total: 100,
      percent: 37,
      device: '/dev/sda',
    };
    agent.respond = () => ({ command_progress: progress });
    await runAgentCommand(bench.task, writing);
    assert.deepEqual(bench.task.memo['progress'], progress);
  });

  it('fails when the agent stopped answering for some polls, saying how far it was', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    agent.respond = () => ({
      command_progress: {
        phase: 'download',
        bytes_done: 37,
        bytes_total: 100,
        percent: 37.4,
        device: '/dev/sda',
      },
    });
    await runAgentCommand(bench.task, writing);
    await agent.stop();
    for (let poll = 1; poll <= 2; poll += 1) {
      assert.equal((await runAgentCommand(bench.task, writing)).kind, 'waiting');
      await bench.task.clock.sleep(6000);
    }
    await assert.rejects(runAgentCommand(bench.task, writing), (error) => {
      assert.ok(error instanceof AgentLost);
      assert.match(
        error.message,
        /The agent at http:.* stopped answering while writing the image \(at 37 %\): .*refused/,
      );
      assert.doesNotMatch(error.message, new RegExp(agent.token));
      return true;
    });
  });

  it('goes on when the agent answers again', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    await runAgentCommand(bench.task, writing);
    await agent.stop();
    await runAgentCommand(bench.task, writing);
    await agent.listen();
    agent.end({ command_status: 'SUCCEEDED', command_result: {} });
    assert.equal((await runAgentCommand(bench.task, writing)).kind, 'finished');
  });

  it('fails at once when the machine is off', async () => {
    const { agent, bench } = await aBenchWithAgent();
    await using _agent = agent;
    await runAgentCommand(bench.task, writing);
    await agent.stop();
    bench.power = 'power off';
    await assert.rejects(
      runAgentCommand(bench.task, writing),
      /The machine was found off while writing the image\./,
    );
  });
});
