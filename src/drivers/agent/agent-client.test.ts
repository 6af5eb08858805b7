import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentClient, type AgentClientOptions } from './agent-client.ts';
import { AgentBusy } from './agent-faults.ts';
import { ScriptedAgent } from './testing/scripted-agent.ts';

function aClient(agent: ScriptedAgent, options: Partial<AgentClientOptions> = {}): AgentClient {
  return new AgentClient({
    node: 'the-node',
    url: agent.url,
    token: agent.token,
    verify: true,
    requireTls: false,
    timeoutSeconds: 5,
    attempts: 1,
    clock: { now: Date.now, sleep: async () => {} },
    signal: new AbortController().signal,
    ...options,
  });
}
const sync = { name: 'standby.sync', params: {} };

describe('the client of an agent', () => {
  it('repeats what changes nothing while nothing answers, as often as told', async () => {
    await using agent = await ScriptedAgent.start();
    agent.intercept = (_request, response) => {
      if (agent.requests.length >= 3) return false;
      response.destroy();
      return true;
    };
    assert.deepEqual(await aClient(agent, { attempts: 3 }).status(), { startedAt: 1, version: '11.5.0' });
    assert.equal(agent.requests.length, 3);
  });

  it('does not repeat a command that may have arrived', async () => {
    await using agent = await ScriptedAgent.start();
    agent.intercept = (_request, response) => {
      response.destroy();
      return true;
    };
    await assert.rejects(aClient(agent, { attempts: 3 }).start(sync), { name: 'AgentUnreachable' });
    assert.equal(agent.requests.length, 1);
  });

  it('repeats a command that was refused a connection', async () => {
    const agent = await ScriptedAgent.start();
    await agent.stop();
    let pauses = 0;
    const sleep = async () => {
      pauses += 1;
      await agent.listen();
    };
    await using _agent = agent;
    await aClient(agent, { attempts: 2, clock: { now: Date.now, sleep } }).start(sync);
    assert.equal(pauses, 1);
  });

  it('tells a busy agent from one that refuses', async () => {
    await using agent = await ScriptedAgent.start();
    await aClient(agent).start(sync);
    await assert.rejects(aClient(agent).start(sync), AgentBusy);
    await assert.rejects(aClient(agent, { token: 'wrong' }).listCommands(), {
      name: 'AgentAPIError',
      message: 'The agent of node the-node answered with HTTP status 401: Agent token mismatch',
    });
  });

  it('never tells its token', async () => {
    await using agent = await ScriptedAgent.start();
    await agent.stop();
    await assert.rejects(aClient(agent).listCommands(), (error) => {
      assert.ok(error instanceof Error);
      assert.ok(!`${error.message} ${JSON.stringify(error)}`.includes(agent.token));
      return true;
    });
  });

  it('takes no answer without end, and no nonsense', async () => {
    await using agent = await ScriptedAgent.start();
    agent.intercept = (_request, response) => {
      response.writeHead(200).end(Buffer.alloc(9 * 1024 * 1024, 0x20));
      return true;
    };
    await assert.rejects(aClient(agent).listCommands(), { name: 'AgentUnreachable' });
    for (const body of ['<html>', '[]', '{"commands": [{}]}']) {
      agent.intercept = (_request, response) => {
        response.writeHead(200).end(body);
        return true;
      };
      await assert.rejects(aClient(agent).listCommands(), { name: 'AgentAPIError' }, body);
    }
  });

  it('keeps of what an agent says of a command what is known of commands', async () => {
    await using agent = await ScriptedAgent.start();
    const said = (command: Record<string, unknown>) => {
      const status = { id: '1', command_name: 'sync', command_status: 'RUNNING', ...command };
      agent.intercept = (_request, response) => {
        response.writeHead(200).end(JSON.stringify({ commands: [status] }));
        return true;
      };
      return aClient(agent).listCommands();
    };
    const progress = { phase: 'download', bytes_done: 1, bytes_total: null, percent: null, device: 'd' };
    const more = { device: 'd'.repeat(1000), percent: { more: 1 }, secret: 'x'.repeat(1000) };
    const [command] = await said({ command_progress: { ...progress, ...more } });
    assert.deepEqual(command?.command_progress, { ...progress, device: 'd'.repeat(255) });
    for (const wrong of ['much', [], { phase: 'download' }, null])
      assert.equal((await said({ command_progress: wrong }))[0]?.command_progress, null);
    for (const wrong of [{ id: 'x'.repeat(256) }, { command_status: 'constructor' }, { command_status: 1 }])
      await assert.rejects(said(wrong), { name: 'AgentAPIError' });
  });

  it('ends when it is told to', async () => {
    await using agent = await ScriptedAgent.start();
    const controller = new AbortController();
    const reason = new Error('The conductor stops');
    agent.intercept = () => {
      controller.abort(reason);
      return true; // and never answers
    };
    await assert.rejects(aClient(agent, { signal: controller.signal }).status(), reason);
  });

  for (const url of ['ftp://192.0.2.1', 'http://user:pass@192.0.2.1', 'http://192.0.2.1/?x=1', '192.0.2.1']) {
    it(`does not call ${url}`, async () => {
      await using agent = await ScriptedAgent.start();
      assert.throws(() => aClient(agent, { url }), { name: 'AgentUrlInvalid' });
    });
  }

  it('calls by https alone where that is required', async () => {
    await using agent = await ScriptedAgent.start();
    assert.throws(() => aClient(agent, { requireTls: true }), /require_tls/);
  });
});
