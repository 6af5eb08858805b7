import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#model/clock.ts';
import { RefusedHeartbeats } from './refused-heartbeats.ts';

const refuse = async (refused: RefusedHeartbeats, node: string, reason: string): Promise<void> =>
  await assert.rejects(
    refused.watch(node, () => Promise.reject(new Error(reason))),
    { message: reason },
  );

test('the last refusal of a node is remembered until one of its heartbeats is taken', async () => {
  const refused = new RefusedHeartbeats(systemClock);
  assert.equal(refused.of('a'), null);
  await refuse(refused, 'a', 'no token');
  await refuse(refused, 'a', 'another token');
  assert.equal(refused.of('a')?.reason, 'another token');
  await refused.watch('a', async () => {});
  assert.equal(refused.of('a'), null);
});

test('of too many nodes, those refused longest ago are forgotten', async () => {
  const refused = new RefusedHeartbeats(systemClock);
  for (const node of ['first', 'second']) await refuse(refused, node, 'no token');
  await refuse(refused, 'first', 'again');
  for (let number = 0; number < 9_999; number += 1) await refuse(refused, `${number}`, 'no token');
  assert.equal(refused.of('second'), null);
  assert.equal(refused.of('first')?.reason, 'again');
});
