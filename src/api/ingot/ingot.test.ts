import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { addEvent } from '#db/events.ts';
import { insertOperation } from '#db/operations.ts';
import { anOperation } from '#db/testing/an-operation.ts';
import { wireTime } from '#model/clock.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import { type ApiUnderTest, startApi } from '../testing/api-under-test.ts';

const at = wireTime(Date.parse('2026-01-01'));
const secret = 'a-secret-of-the-test';

describe('/ingot/v1/nodes/{node}', () => {
  let api: ApiUnderTest;
  let uuid: string;
  before(async () => {
    api = await startApi();
    const created = await api.request('POST', '/v1/nodes', {
      body: { driver: 'fake-hardware', name: 'one' },
    });
    uuid = created.json.uuid;
    const operation = anOperation({ id: 1, uuid }, deployment);
    await api.store.write(async (transaction) => {
      await insertOperation(transaction, operation);
      for (const kind of ['operation.started', 'step.started'] as const)
        await addEvent(transaction, {
          at,
          kind,
          node_uuid: uuid,
          operation_id: operation.id,
          request_id: null,
          data: { kind: 'deploy' },
        });
    });
  });
  after(async () => await api[Symbol.asyncDispose]());

  it('tells operations with their steps and progress, by UUID and by name, and no secret of them', async () => {
    for (const ident of [uuid, 'one']) {
      const answer = await api.request('GET', `/ingot/v1/nodes/${ident}/operations`, { version: null });
      assert.equal(answer.status, 200);
      const [operation] = answer.json.operations;
      assert.deepEqual(Object.keys(operation.steps[0]), [
        'interface',
        'step',
        'priority',
        'abortable',
        'origin',
      ]);
      assert.deepEqual(operation.progress, {
        phase: 'download',
        device: '/dev/sda',
        bytes_done: 5,
        bytes_total: 10,
        percent: 50,
      });
      assert.ok(!answer.text.includes(secret));
    }
  });

  it('gives events from a cursor on, and the cursor to go on with', async () => {
    const path = `/ingot/v1/nodes/${uuid}/events`;
    const all = (await api.request('GET', path)).json;
    const [first] = (await api.request('GET', `${path}?limit=1`)).json.events;
    assert.deepEqual(first, all.events[0]);
    const rest = (await api.request('GET', `${path}?after=${first.cursor}`)).json;
    assert.deepEqual(rest.events, all.events.slice(1));
    const none = (await api.request('GET', `${path}?after=${rest.next}`)).json;
    assert.deepEqual(none, { events: [], next: rest.next });
  });

  it('says what is wrong with a request', async () => {
    const status = async (path: string) => (await api.request('GET', `/ingot/v1/nodes/${path}`)).status;
    assert.equal(await status('nobody/operations'), 404);
    assert.equal(await status('one/events?after=-1'), 400);
    assert.equal(await status(`one/events?after=${'9'.repeat(400)}`), 400);
    assert.equal(await status('one/events?limit=0'), 400);
    assert.equal(await status('one/operations?color=red'), 400);
  });
});

const deployment = {
  input: { steps: [{ interface: 'deploy', step: 'x', args: { password: secret } }] },
  steps: [
    {
      interface: 'deploy',
      step: 'write_image',
      args: { password: secret },
      priority: 80,
      abortable: true,
      origin: 'driver',
    },
  ],
  memo: {
    token: secret,
    progress: {
      phase: 'download',
      device: '/dev/sda',
      bytes_done: 5,
      bytes_total: 10,
      percent: 50,
      secret,
    },
  },
  created_at: at,
  updated_at: at,
} satisfies Partial<OperationRecord>;
