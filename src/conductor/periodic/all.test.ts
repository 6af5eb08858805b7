import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ground } from '../testing/a-conductor.ts';
import { answersToIronic, periodicTasks } from './all.ts';
import { takeOverOrphans } from './take-over-orphans.ts';

test('every periodic task of the reference is answered by one that runs, or by a reason', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const running = new Set(periodicTasks(conductor, takeOverOrphans()).map(({ name }) => name));
  for (const [name, answer] of Object.entries(answersToIronic))
    assert.ok('instead' in answer ? answer.instead !== '' : running.has(answer.task), name);
  assert.equal(Object.keys(answersToIronic).length, 25);
});

const file = join(import.meta.dirname, '../../../../shared/spec/periodic-tasks.json');

if (existsSync(file))
  test('the table names the tasks of the reference', () => {
    const { tasks }: { tasks: { name: string }[] } = JSON.parse(readFileSync(file, 'utf8'));
    assert.deepEqual(Object.keys(answersToIronic).toSorted(), tasks.map(({ name }) => name).toSorted());
  });
