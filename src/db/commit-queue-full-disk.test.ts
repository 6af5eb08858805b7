import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { TemporaryFailure } from '#model/faults.ts';
import { CommitQueue } from './commit-queue.ts';

test('on a full disk every job is told, nothing of the batch is kept, and smaller ones go on', async () => {
  using database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE things (name TEXT); PRAGMA max_page_count = 20');
  const insert = database.prepare('INSERT INTO things VALUES (?)');
  const queue = new CommitQueue(database, { batch: 100, queue: 100 });
  const write = async (name: string) => await queue.write(async () => void insert.run(name));
  const outcomes = await Promise.allSettled([write('a'), write('x'.repeat(1_000_000))]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason instanceof TemporaryFailure),
    [true, true],
  );
  await write('b');
  assert.deepEqual(
    database
      .prepare('SELECT name FROM things')
      .all()
      .map((row) => row['name']),
    ['b'],
  );
});
