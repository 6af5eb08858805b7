import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { startSim } from './sim.ts';

/** A service under test: says where it is, step by step, and waits each time to be told to go on. */
function service(url: string, names: string[]): ChildProcess {
  const program = `
    for (const name of ${JSON.stringify(names)}) {
      const body = JSON.stringify({ name, node: 'a-node', pid: process.pid });
      const answer = await fetch(${JSON.stringify(`${url}/sim/v1/checkpoints`)}, { method: 'POST', body });
      if (answer.status !== 204) process.exit(1);
    }
    process.exit(0);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
}

describe('checkpoints', () => {
  it('are recorded in order, and let the service go on', async () => {
    await using sim = await startSim();
    const [status] = await once(service(sim.url, ['clean:start', 'clean:told']), 'exit');
    assert.equal(status, 0);
    assert.deepEqual(
      sim.checkpoints.reached.map(({ sequence, name, node, killed }) => [sequence, name, node, killed]),
      [
        [1, 'clean:start', 'a-node', false],
        [2, 'clean:told', 'a-node', false],
      ],
    );
  });

  it('kill the service at the one that is armed, by number or by name', async () => {
    await using sim = await startSim();
    const third = sim.checkpoints.arm({ at: 3 });
    const first = service(sim.url, ['a', 'b', 'c', 'd']);
    const [, signal] = await once(first, 'exit');
    assert.equal(signal, 'SIGKILL');
    assert.equal((await third.hit).name, 'c');
    assert.equal((await third.hit).pid, first.pid);

    sim.checkpoints.clear();
    const armed = await fetch(`${sim.url}/sim/v1/checkpoints/arm`, {
      method: 'POST',
      body: JSON.stringify({ name: 'b', occurrence: 2 }),
    });
    assert.equal(armed.status, 204);
    const [, again] = await once(service(sim.url, ['a', 'b', 'a', 'b', 'c']), 'exit');
    assert.equal(again, 'SIGKILL');
    const { checkpoints } = (await (await fetch(`${sim.url}/sim/v1/checkpoints`)).json()) as {
      checkpoints: { name: string; killed: boolean }[];
    };
    assert.deepEqual(
      checkpoints.map(({ name, killed }) => [name, killed]),
      [
        ['a', false],
        ['b', false],
        ['a', false],
        ['b', true],
      ],
    );
  });

  it('never kill the sim itself', async () => {
    await using sim = await startSim();
    sim.checkpoints.arm({ at: 1 });
    const answer = await fetch(`${sim.url}/sim/v1/checkpoints`, {
      method: 'POST',
      body: JSON.stringify({ name: 'a', node: null, pid: process.pid }),
    });
    assert.equal(answer.status, 400);
  });
});
