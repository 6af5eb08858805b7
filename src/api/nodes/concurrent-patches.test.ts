import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from '../testing/api-under-test.ts';

test('patches of one node at the same time are all kept', async () => {
  await using api = await startApi();
  await api.request('POST', '/v1/nodes', { body: { name: 'one', driver: 'fake-hardware' } });
  const keys = 'abcdefghijklmno'.split('');
  // Warm connections, so that they come together.
  await Promise.all(keys.map(async () => await api.request('GET', '/v1')));
  const answers = await Promise.all(
    keys.map(async (key) => {
      const body = [{ op: 'add', path: `/extra/${key}`, value: key }];
      return await api.request('PATCH', '/v1/nodes/one', { body });
    }),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    keys.map(() => 200),
  );
  const { extra } = (await api.request('GET', '/v1/nodes/one')).json;
  assert.deepEqual(Object.keys(extra).toSorted(), keys);
});
