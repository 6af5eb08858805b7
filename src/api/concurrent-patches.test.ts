import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from './testing/api-under-test.ts';

for (const resource of ['nodes', 'ports'])
  test(`patches of one of ${resource} at the same time are all kept`, async () => {
    await using api = await startApi();
    const { json } = await api.request('POST', '/v1/nodes', {
      body: { name: 'one', driver: 'fake-hardware' },
    });
    const port = { node_uuid: json.uuid, address: '52:54:00:00:00:01' };
    const path =
      resource === 'nodes'
        ? '/v1/nodes/one'
        : `/v1/ports/${(await api.request('POST', '/v1/ports', { body: port })).json.uuid}`;
    const keys = 'abcdefghijklmno'.split('');
    // Warm connections, so that they come together.
    await Promise.all(keys.map(async () => await api.request('GET', '/v1')));
    const answers = await Promise.all(
      keys.map(async (key) => {
        const body = [{ op: 'add', path: `/extra/${key}`, value: key }];
        return await api.request('PATCH', path, { body });
      }),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      keys.map(() => 200),
    );
    const { extra } = (await api.request('GET', path)).json;
    assert.deepEqual(Object.keys(extra).toSorted(), keys);
  });
