import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('a sleep longer than a timer can be set for does not end at once', async () => {
  const limit = new AbortController();
  const slept = systemClock.sleep(2 ** 40, limit.signal);
  await systemClock.sleep(20);
  limit.abort();
  await assert.rejects(slept, { name: 'AbortError' });
});
