import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeRecord } from '#model/node-record.ts';
import type { StepFlow } from '../task.ts';
import { directDeploy } from './deploy.ts';
import { agentInspect } from './inspect.ts';
import { Bench } from './testing/bench.ts';

const fastTrack = { deploy: { fast_track: true, fast_track_timeout: 300 } };
const url = 'http://127.0.0.1:9';

/** A machine that is on, whose agent was heard of that many seconds ago. */
function anAgentHeardOf(
  secondsAgo: number,
  { flow = 'clean', node = {}, settings = fastTrack }: BenchOptions = {},
): Bench {
  const bench = new Bench({ flow, node: { ...node, provision_state: 'cleaning' }, settings });
  bench.power = 'power on';
  bench.hear(url, 'token');
  bench.task.agentHeardAt = bench.task.clock.now() - secondsAgo * 1000;
  return bench;
}

interface BenchOptions {
  flow?: StepFlow;
  node?: Partial<NodeRecord>;
  settings?: { deploy: { fast_track: boolean; fast_track_timeout: number } };
}

describe('in fast track', () => {
  it('an agent that was heard of lately is used as it is, and stays', async () => {
    const bench = anAgentHeardOf(299);
    assert.deepEqual(await directDeploy.prepareAgent(bench.task), { kind: 'done' });
    const outcome = await directDeploy.tearDownAgent(bench.task);
    bench.task.apply(outcome.changes);
    assert.deepEqual(bench.log, []);
    const { agent_url, agent_secret_token } = bench.task.node.driver_internal_info;
    assert.deepEqual([agent_url, agent_secret_token], [url, 'token']);
  });

  it('the agent that inspected the machine stays, and cleaning waits for its first heartbeat', async () => {
    const bench = new Bench({ flow: 'inspect', settings: fastTrack });
    await agentInspect.inspect(bench.task);
    await agentInspect.finish?.(bench.task);
    assert.deepEqual(bench.log, ['insert', 'power on', 'eject']);
    const finished = new Date(bench.task.clock.now()).toISOString();
    const node = { ...bench.task.node, inspection_finished_at: finished };
    const next = new Bench({ flow: 'clean', node, settings: fastTrack });
    next.power = 'power on';
    const waits = await directDeploy.prepareAgent(next.task);
    assert.deepEqual([waits.kind, next.log], ['wait', []]);
    next.hear(url);
    assert.deepEqual(await directDeploy.prepareAgent(next.task), { kind: 'done' });
    assert.deepEqual(next.log, []);
  });

  const booted: [why: string, make: () => Bench][] = [
    ['was last heard of too long ago', () => anAgentHeardOf(301)],
    ['of a machine that is off', () => Object.assign(anAgentHeardOf(1), { power: 'power off' })],
    ['of a node whose last flow failed', () => anAgentHeardOf(1, { node: { last_error: 'No' } })],
    [
      'of a node that says no for itself',
      () => anAgentHeardOf(1, { node: { driver_info: { fast_track: 'False' } } }),
    ],
    [
      'where it is off',
      () => anAgentHeardOf(1, { settings: { deploy: { fast_track: false, fast_track_timeout: 300 } } }),
    ],
  ];
  for (const [why, make] of booted)
    it(`an agent ${why} is booted anew`, async () => {
      const bench = make();
      assert.equal((await directDeploy.prepareAgent(bench.task)).kind, 'wait');
      assert.equal(bench.log.at(-1), 'power on');
    });

  it('a node may say yes for itself', async () => {
    const node = { driver_info: { fast_track: true } };
    const bench = anAgentHeardOf(1, {
      node,
      settings: { deploy: { fast_track: false, fast_track_timeout: 300 } },
    });
    assert.deepEqual(await directDeploy.prepareAgent(bench.task), { kind: 'done' });
  });

  it('service boots an agent of its own, and ends it', async () => {
    const bench = anAgentHeardOf(1, { flow: 'service' });
    bench.task.node = { ...bench.task.node, provision_state: 'servicing' };
    assert.equal((await directDeploy.prepareAgent(bench.task)).kind, 'wait');
    await directDeploy.tearDownAgent(bench.task);
    assert.deepEqual(bench.log.slice(-2), ['power off', 'eject']);
  });
});
