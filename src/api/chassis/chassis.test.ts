import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ApiUnderTest, startApi } from '../testing/api-under-test.ts';

describe('chassis', () => {
  let api: ApiUnderTest;
  before(async () => {
    api = await startApi();
  });
  after(async () => await api[Symbol.asyncDispose]());

  async function aChassis(): Promise<string> {
    const { status, json } = await api.request('POST', '/v1/chassis', { body: { extra: { rack: 1 } } });
    assert.equal(status, 201);
    return `/v1/chassis/${json.uuid}`;
  }

  it('are patched, and keep what the patch does not name', async () => {
    const path = await aChassis();
    const body = [{ op: 'add', path: '/description', value: 'the third from the left' }];
    const { status, json } = await api.request('PATCH', path, { body });
    assert.equal(status, 200);
    assert.deepEqual([json.description, json.extra], ['the third from the left', { rack: 1 }]);
    assert.notEqual(json.updated_at, null);
  });

  it('lose none of the patches that come at once', async () => {
    const path = await aChassis();
    const names = Array.from({ length: 20 }, (_, number) => `name${number}`);
    // While one write is under way all of them are read; only then can any of them be written.
    const held = Promise.withResolvers<void>();
    const writing = api.store.write(async () => await held.promise);
    const asked = Promise.all(
      names.map(
        async (name) =>
          await api.request('PATCH', path, { body: [{ op: 'add', path: `/extra/${name}`, value: true }] }),
      ),
    );
    await api.request('GET', path);
    held.resolve();
    await writing;
    const answers = await asked;
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const { json } = await api.request('GET', path);
    assert.deepEqual(Object.keys(json.extra).toSorted(), [...names, 'rack'].toSorted());
  });

  it('stay as they were when a patch is refused', async () => {
    const path = await aChassis();
    for (const body of [
      [{ op: 'replace', path: '/uuid', value: '7e0a3a46-97d0-4b5b-8f4c-000000000001' }],
      [{ op: 'add', path: '/extra', value: 'no object' }],
      [{ op: 'remove', path: '/extra/missing' }],
    ])
      assert.equal((await api.request('PATCH', path, { body })).status, 400, JSON.stringify(body));
    const { json } = await api.request('GET', path);
    assert.deepEqual([json.extra, json.updated_at], [{ rack: 1 }, null]);
  });

  it('that are not there are 404 to a patch', async () => {
    const path = '/v1/chassis/7e0a3a46-97d0-4b5b-8f4c-000000000002';
    const body = [{ op: 'add', path: '/description', value: 'x' }];
    assert.equal((await api.request('PATCH', path, { body })).status, 404);
  });

  it('are not deleted while a node stands in them', async () => {
    const path = await aChassis();
    const node = { driver: 'fake-hardware', chassis_uuid: path.split('/').at(-1) };
    assert.equal((await api.request('POST', '/v1/nodes', { body: node })).status, 201);
    assert.equal((await api.request('DELETE', path)).status, 400);
    assert.equal((await api.request('DELETE', await aChassis())).status, 204);
  });
});
