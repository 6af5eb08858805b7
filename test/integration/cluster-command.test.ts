// npm run cluster, as whoever types it sees it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/until.ts';

const entry = join(import.meta.dirname, '..', '..', 'sim', 'cluster', 'main.ts');

/** Starts it and reads until it has said everything. */
async function startCommand(context: TestContext) {
  const args = ['--machines', '1', '--apis', '1', '--conductors', '2'];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (line.startsWith('nothing of it is kept')) break;
  }
  const pids = said.flatMap((line) => /^ {2}.* pid (\d+)$/.exec(line)?.[1] ?? []).map(Number);
  return { child, exited, said: said.join('\n'), pids: pids.filter((pid) => pid !== child.pid) };
}

/** Of these, the processes that run. One that nobody waited for is over all the same. */
async function running(pids: readonly number[]): Promise<number[]> {
  const states = await Promise.all(
    pids.map(async (pid) => await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => `${pid} (gone) X`)),
  );
  return pids.filter((_, index) => !/\) [XZ]/.test(states[index] ?? ''));
}

describe('npm run cluster', () => {
  test('says what runs where and what to type, and ends all of it in order', async (context) => {
    const { child, exited, said, pids } = await startCommand(context);
    assert.equal(pids.length, 5, 'an API, two conductors, PostgreSQL and NATS');
    assert.deepEqual(await running(pids), pids);
    const [, list = ''] = /^curl -s '(http\S+)'/m.exec(said) ?? [];
    const headers = { 'x-openstack-ironic-api-version': 'latest' };
    assert.equal((await fetch(list, { headers })).status, 200);
    assert.match(said, /openstack baremetal node create --driver redfish --name sim-1/);
    child.kill('SIGINT');
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(await running(pids), []);
  });

  test('leaves no process behind when it is killed', async (context) => {
    const { child, exited, pids } = await startCommand(context);
    child.kill('SIGKILL');
    await exited;
    await until(
      async () => await running(pids),
      ({ length }) => length === 0,
    );
  });
});
