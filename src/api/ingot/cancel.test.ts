import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ApiUnderTest, innerError, startApi } from '../testing/api-under-test.ts';

describe('POST /ingot/v1/nodes/{node}/cancel', () => {
  let api: ApiUnderTest;
  before(async () => {
    api = await startApi({
      settings: {
        conductor: { automated_clean: false, max_concurrent_deploy: 1 },
        fake: { deploy_delay: [3600] },
      },
    });
    for (const name of ['at-work', 'in-line', 'idle']) await makeAvailable(name);
    for (const name of ['at-work', 'in-line']) await provision(name, 'active');
  });
  after(async () => await api[Symbol.asyncDispose]());

  const show = async (name: string) => (await api.request('GET', `/v1/nodes/${name}`)).json;
  const cancel = async (name: string) => await api.request('POST', `/ingot/v1/nodes/${name}/cancel`);
  const explain = async (name: string) => (await api.request('GET', `/ingot/v1/nodes/${name}/explain`)).json;

  async function provision(name: string, target: string): Promise<void> {
    const answer = await api.request('PUT', `/v1/nodes/${name}/states/provision`, { body: { target } });
    assert.equal(answer.status, 202, answer.text);
  }

  async function makeAvailable(name: string): Promise<void> {
    await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware', name } });
    for (const [target, state] of [
      ['manage', 'manageable'],
      ['provide', 'available'],
    ] as const) {
      await provision(name, target);
      await untilState(name, state);
    }
  }

  async function untilState(name: string, state: string): Promise<void> {
    while ((await show(name)).provision_state !== state)
      await new Promise((resolve) => setImmediate(resolve));
  }

  it('refuses with 409, and says why, what is at work, and where nothing is', async () => {
    for (const [name, why] of [
      ['at-work', /the deploy is at work/],
      ['idle', /no operation is under way/],
    ] as const) {
      const answer = await cancel(name);
      assert.equal(answer.status, 409);
      assert.match(String(innerError(answer)['faultstring']), why);
      assert.equal((await explain(name)).cancellable, false);
    }
    assert.equal((await cancel('nobody')).status, 404);
  });

  it('ends the wait for a turn, of which explain says that it can be ended', async () => {
    const waiting = await explain('in-line');
    assert.deepEqual([waiting.cause, waiting.cancellable], ['turn', true]);
    assert.deepEqual(waiting.allowed_verbs, [], 'no verb of the Bare Metal API would');
    assert.match(waiting.waits_for.what_then, /cancel/);
    assert.equal((await cancel('in-line')).status, 202);
    await untilState('in-line', 'deploy failed');
    const node = await show('in-line');
    assert.match(node.last_error, /^By request/);
    assert.equal((await explain('in-line')).cause, 'failed_aborted');
  });
});
