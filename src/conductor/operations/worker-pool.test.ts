import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NoFreeConductorWorker } from '#model/faults.ts';
import { WorkerPool } from './worker-pool.ts';

/** A job that ends when it is told to. */
function aJob(started: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    end: resolve,
    work: async (): Promise<void> => {
      started.push(name);
      await promise;
    },
  };
}

function run(pool: WorkerPool, group: string, work: () => Promise<void>): void {
  using place = pool.reserve();
  place.run(group, work);
}

test('no more jobs run at a time than the pool has workers; the others wait', async () => {
  const pool = new WorkerPool({ size: 2, queueLimit: 10 });
  let running = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  };
  for (let job = 0; job < 10; job += 1) run(pool, `group ${job % 3}`, work);
  await pool.idle();
  assert.equal(most, 2);
  assert.equal(pool.load, 0);
});

test('beyond workers and queue new work is refused before it is accepted', async () => {
  const pool = new WorkerPool({ size: 1, queueLimit: 1 });
  const jobs = [aJob([], 'a'), aJob([], 'b')];
  for (const { work } of jobs) run(pool, '', work);
  assert.throws(() => pool.reserve(), NoFreeConductorWorker);
  for (const { end } of jobs) end();
  await pool.idle();
  pool.reserve()[Symbol.dispose]();
});

test('a place that was reserved and not used is given back', () => {
  const pool = new WorkerPool({ size: 1, queueLimit: 0 });
  for (let time = 0; time < 3; time += 1) {
    using place = pool.reserve();
    assert.ok(place);
  }
  assert.equal(pool.load, 0);
});

test('groups take turns: one of another group does not wait behind all of the first', async () => {
  const pool = new WorkerPool({ size: 1, queueLimit: 100 });
  const started: string[] = [];
  const jobs = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'].map((name) => ({ name, ...aJob(started, name) }));
  for (const { name, work } of jobs) run(pool, name.slice(0, 1), work);
  for (const { end } of jobs) end();
  await pool.idle();
  assert.deepEqual(started, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
});

test('work that was accepted earlier is taken in even when the pool is full, and waits for its turn', async () => {
  const pool = new WorkerPool({ size: 1, queueLimit: 0 });
  const started: string[] = [];
  const jobs = [aJob(started, 'new'), aJob(started, 'from before')];
  run(pool, '', jobs[0]?.work ?? assert.fail());
  using place = pool.reserve({ evenIfFull: true });
  place.run('', jobs[1]?.work ?? assert.fail());
  assert.deepEqual(started, ['new']);
  for (const { end } of jobs) end();
  await pool.idle();
  assert.deepEqual(started, ['new', 'from before']);
});
