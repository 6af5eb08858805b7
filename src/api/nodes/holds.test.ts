// Steps that hold a node and steps for child nodes, as a client sees them.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { updateNode } from '#db/nodes.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import { type ApiUnderTest, innerError, type Reply, startApi } from '../testing/api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
});
after(async () => await api[Symbol.asyncDispose]());

async function aNode(state: ProvisionState, fields: Record<string, unknown> = {}): Promise<string> {
  const { json, status, text } = await api.request('POST', '/v1/nodes', {
    body: { driver: 'fake-hardware', automated_clean: false, ...fields },
  });
  assert.equal(status, 201, text);
  await api.store.write(
    async (transaction) => await updateNode(transaction, json.uuid, { provision_state: state }),
  );
  return json.uuid;
}

async function ask(node: string, body: Record<string, unknown>, version?: string): Promise<Reply> {
  const path = `/v1/nodes/${node}/states/provision`;
  return await api.request('PUT', path, { body, ...(version ? { version } : {}) });
}

async function accepted(node: string, body: Record<string, unknown>): Promise<void> {
  const { status, text } = await ask(node, body);
  assert.equal(status, 202, text);
}

/** Asks for the node until nobody holds it in that state. */
async function untilState(node: string, state: ProvisionState): Promise<Reply['json']> {
  for (;;) {
    const { json } = await api.request('GET', `/v1/nodes/${node}`);
    if (json.provision_state === state && json.reservation === null) return json;
    const { provision_state: now, last_error: error } = json;
    const isLost = now.endsWith('failed') && json.reservation === null && state !== now;
    assert.ok(!isLost || now === 'service failed', `${now} instead of ${state}: ${error}`);
    await delay(10);
  }
}

const hold = { interface: 'deploy', step: 'hold' };

const flows = [
  {
    verb: 'clean',
    steps: { clean_steps: [hold] },
    since: 15,
    from: 'manageable',
    held: 'clean hold',
    ends: 'manageable',
    aborts: 'clean failed',
  },
  {
    verb: 'active',
    steps: { deploy_steps: [{ ...hold, args: {}, priority: 150 }] },
    since: 69,
    from: 'available',
    held: 'deploy hold',
    ends: 'active',
    aborts: 'deploy failed',
  },
  {
    verb: 'service',
    steps: { service_steps: [hold] },
    since: 87,
    from: 'active',
    held: 'service hold',
    ends: 'active',
    aborts: 'active',
  },
] as const;

for (const { verb, steps, since, from, held, ends, aborts } of flows)
  describe(`a step that holds a node, asked for with ${verb}`, () => {
    it('lets go with unhold, which needs 1.85', async () => {
      const uuid = await aNode(from);
      await accepted(uuid, { target: verb, ...steps });
      const node = await untilState(uuid, held);
      assert.equal(node.target_provision_state, ends);
      const shown = node.clean_step?.step ?? node.deploy_step?.step ?? node.service_step?.step;
      assert.equal(shown, 'hold');
      assert.equal((await ask(uuid, { target: 'unhold' }, '1.84')).status, 406);
      assert.equal((await ask(uuid, { target: 'unhold' }, '1.85')).status, 202);
      await untilState(uuid, ends);
      assert.equal((await ask(uuid, { target: 'unhold' })).status, 400, 'nothing is held any more');
    });

    it('ends with abort', async () => {
      const uuid = await aNode(from);
      await accepted(uuid, { target: verb, ...steps });
      await untilState(uuid, held);
      await accepted(uuid, { target: 'abort' });
      const node = await untilState(uuid, aborts);
      assert.match(node.last_error, /By request, .* aborted/);
      assert.equal(node.maintenance, false);
    });

    it(`needs 1.${since}`, async () => {
      const uuid = await aNode(from);
      assert.equal((await ask(uuid, { target: verb, ...steps }, `1.${since - 1}`)).status, 406);
      assert.equal((await untilState(uuid, from)).last_error, null);
    });
  });

describe('steps for child nodes', () => {
  const onChildren = { interface: 'power', step: 'power_on', execute_on_child_nodes: true };
  const clean = (...clean_steps: object[]) => ({ target: 'clean', clean_steps });

  it('run on those named, and on no other', async () => {
    const uuid = await aNode('manageable');
    const [one, other] = [
      await aNode('manageable', { parent_node: uuid }),
      await aNode('manageable', { parent_node: uuid }),
    ];
    const powerOn = { interface: 'power', step: 'power_on' };
    await accepted(uuid, clean(powerOn, { ...onChildren, limit_child_node_execution: [one] }));
    await untilState(uuid, 'manageable');
    assert.equal((await untilState(one, 'manageable')).power_state, 'power on');
    assert.equal((await untilState(other, 'manageable')).power_state, null);
  });

  it('are refused for a node that is no child', async () => {
    const uuid = await aNode('manageable');
    const stranger = await aNode('manageable');
    const reply = await ask(uuid, clean({ ...onChildren, limit_child_node_execution: [stranger] }));
    assert.equal(reply.status, 400);
    assert.match(String(innerError(reply)['faultstring']), new RegExp(`${stranger} is no child`));
    assert.equal((await untilState(uuid, 'manageable')).last_error, null);
  });

  const refusals: [why: string, step: object, message: RegExp][] = [
    ['a hold', { ...hold, execute_on_child_nodes: true }, /cannot be run on child nodes/],
    ['children that are no UUIDs', { ...onChildren, limit_child_node_execution: ['x'] }, /list of UUIDs/],
    ['children that are no list', { ...onChildren, limit_child_node_execution: 'x' }, /not a list/],
    [
      'a wish that is no boolean',
      { ...onChildren, execute_on_child_nodes: 'maybe' },
      /neither true nor false/,
    ],
  ];
  for (const [why, step, message] of refusals)
    it(`are refused for ${why}`, async () => {
      const uuid = await aNode('manageable');
      const reply = await ask(uuid, clean(step));
      assert.equal(reply.status, 400);
      assert.match(String(innerError(reply)['faultstring']), message);
      assert.equal((await untilState(uuid, 'manageable')).last_error, null);
    });
});
