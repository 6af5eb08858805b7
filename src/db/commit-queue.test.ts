import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { TemporaryFailure } from '#model/faults.ts';
import { CommitQueue, type TransactionControl } from './commit-queue.ts';

/** A real database in memory that counts its commits, and can be told to fail at one. */
class CountingDatabase implements TransactionControl, Disposable {
  readonly database = new DatabaseSync(':memory:');
  readonly events: string[] = [];
  failNext: 'BEGIN' | 'COMMIT' | null = null;

  constructor() {
    this.database.exec('CREATE TABLE things (name TEXT)');
  }

  exec(sql: string): void {
    const [word = ''] = sql.split(' ');
    if (this.failNext === word) {
      this.failNext = null;
      throw new Error(`${word} failed: the disk is full`);
    }
    this.database.exec(sql);
    if (word === 'BEGIN' || word === 'COMMIT') this.events.push(word);
  }

  insert(name: string): void {
    this.database.prepare('INSERT INTO things VALUES (?)').run(name);
  }

  get things(): unknown[] {
    return this.database
      .prepare('SELECT name FROM things')
      .all()
      .map((row) => row['name']);
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

const roomy = { batch: 100, queue: 100 };

test('jobs that arrive together share one commit, in the order they came', async () => {
  using control = new CountingDatabase();
  const queue = new CommitQueue(control, roomy);
  const names = ['a', 'b', 'c', 'd'];
  const answers = await Promise.all(
    names.map(async (name) =>
      queue.write(async () => {
        control.insert(name);
        return name;
      }),
    ),
  );
  assert.deepEqual(answers, names);
  assert.deepEqual(control.things, names);
  assert.deepEqual(control.events, ['BEGIN', 'COMMIT']);
});

test('a job that throws undoes itself only', async () => {
  using control = new CountingDatabase();
  const queue = new CommitQueue(control, roomy);
  const refused = new Error('refused');
  const outcomes = await Promise.allSettled([
    queue.write(async () => control.insert('before')),
    queue.write(async () => {
      control.insert('half done');
      throw refused;
    }),
    queue.write(async () => control.insert('after')),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(outcomes[1], { status: 'rejected', reason: refused });
  assert.deepEqual(control.things, ['before', 'after']);
  assert.deepEqual(control.events, ['BEGIN', 'COMMIT']);
});

test('nobody is told an outcome before the commit that holds it', async () => {
  using control = new CountingDatabase();
  const queue = new CommitQueue(control, roomy);
  const tell = (): unknown => control.events.push('told');
  await Promise.all([
    queue.write(async () => control.insert('a')).then(tell),
    queue
      .write(async () => {
        throw new Error('refused');
      })
      .catch(tell),
  ]);
  assert.deepEqual(control.events, ['BEGIN', 'COMMIT', 'told', 'told']);
});

test('when the commit fails, every job of it is told and nothing of it is there; the next one works', async () => {
  using control = new CountingDatabase();
  const queue = new CommitQueue(control, roomy);
  control.failNext = 'COMMIT';
  const outcomes = await Promise.allSettled(
    ['a', 'b'].map(async (name) => queue.write(async () => control.insert(name))),
  );
  for (const outcome of outcomes) {
    assert.equal(outcome.status, 'rejected');
    assert.match(String(outcome.reason), /the disk is full/);
  }
  assert.deepEqual(control.things, []);
  await queue.write(async () => control.insert('later'));
  assert.deepEqual(control.things, ['later']);
});

test('when no transaction can begin, the first in line is told and the others get their turn', async () => {
  using control = new CountingDatabase();
  const queue = new CommitQueue(control, roomy);
  control.failNext = 'BEGIN';
  const outcomes = await Promise.allSettled(
    ['a', 'b'].map(async (name) => queue.write(async () => control.insert(name))),
  );
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  assert.deepEqual(control.things, ['b']);
});

test('a commit takes at most the batch limit, so that the first of them need not wait for all', async () => {
  using control = new CountingDatabase();
  const queue = new CommitQueue(control, { batch: 2, queue: 100 });
  await Promise.all(['a', 'b', 'c'].map(async (name) => queue.write(async () => control.insert(name))));
  assert.deepEqual(control.things, ['a', 'b', 'c']);
  assert.deepEqual(control.events, ['BEGIN', 'COMMIT', 'BEGIN', 'COMMIT']);
});

test('beyond the queue limit a job is refused at once, as busy', async () => {
  using control = new CountingDatabase();
  const queue = new CommitQueue(control, { batch: 1, queue: 2 });
  const outcomes = await Promise.allSettled(
    ['a', 'b', 'c', 'd', 'e'].map(async (name) => queue.write(async () => control.insert(name))),
  );
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.ok(refused.length > 0);
  for (const { reason } of refused) assert.ok(reason instanceof TemporaryFailure);
  assert.equal(control.things.length, outcomes.length - refused.length);
  await queue.write(async () => control.insert('later'));
  assert.ok(control.things.includes('later'));
});

test('idle resolves when all that was asked for is committed', async () => {
  using control = new CountingDatabase();
  const queue = new CommitQueue(control, { batch: 1, queue: 10 });
  const written = ['a', 'b'].map(async (name) => queue.write(async () => control.insert(name)));
  await queue.idle();
  assert.deepEqual(control.things, ['a', 'b']);
  await Promise.all(written);
});
