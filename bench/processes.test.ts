import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { BenchError } from './bench-error.ts';
import {
  parseMachineStat,
  parseProcessStat,
  parseRollup,
  ProcessGroup,
  readMachineTime,
  readTicksPerSecond,
} from './processes.ts';
import { parseEnvironment } from './targets.ts';

test('the line of a process is read behind its name, whatever that is', () => {
  const line =
    '4242 (a) (b c) S 17 4242 4242 0 -1 4194560 2000 300 1 0 150 50 7 3 20 0 11 0 8000 1000000 500 18446744073709551615 1 1 0\n';
  assert.deepEqual(parseProcessStat(line), { pid: 4242, parent: 17, ticks: 150 + 50 + 7 + 3 });
});

test('the time of the machine counts waiting for the disk as idle, and guests once', () => {
  const text = 'cpu  100 10 50 800 40 5 5 30 20 2\ncpu0 50 5 25 400 20 2 3 15 10 1\n';
  assert.deepEqual(parseMachineStat(text, 100), { busy: 2, total: 10.4 });
});

test('memory is read from the sums that the kernel keeps', () => {
  const text = '55af-7ffc ---p 00000000 00:00 0  [rollup]\nRss:              204800 kB\nPss:  102400 kB\n';
  assert.equal(parseRollup(text, 'Rss'), 200);
  assert.equal(parseRollup(text, 'Pss'), 100);
});

test('a group counts its processes, their children and those that ended', async () => {
  const [ticks, work] = [readTicksPerSecond(), 'const end = Date.now() + 300; while (Date.now() < end);'];
  const parent = `
    const { spawnSync, spawn } = require('node:child_process');
    spawnSync(process.execPath, ['-e', ${JSON.stringify(work)}]);
    spawn(process.execPath, ['-e', ${JSON.stringify(`${work} console.log('ready'); setInterval(() => {}, 1000);`)}], { stdio: 'inherit' });
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['-e', parent], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  assert.ok(child.pid !== undefined);
  try {
    await once(child.stdout, 'data');
    const group = new ProcessGroup([child.pid, child.pid], ticks);
    assert.ok(group.cpuSeconds() > 0);
    assert.ok(group.memory().residentMegabytes > group.memory().proportionalMegabytes);
    assert.ok(readMachineTime(ticks).busy >= group.cpuSeconds());
  } finally {
    process.kill(-child.pid, 'SIGKILL');
    await once(child, 'exit');
  }
  const gone = new ProcessGroup([child.pid], ticks);
  assert.throws(() => gone.cpuSeconds(), BenchError);
});

test("the reference's facts are lines of NAME=value", () => {
  assert.deepEqual(parseEnvironment('URL=http://127.0.0.1:1\nRABBIT_PID=\nSTART_TO_V1_S=1.5\n'), {
    URL: 'http://127.0.0.1:1',
    RABBIT_PID: '',
    START_TO_V1_S: '1.5',
  });
});
