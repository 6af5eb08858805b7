// What of a node forbids a verb, and what a flow leaves undone because of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SettingsOverrides } from '#config/settings.ts';
import { InvalidState, NodeInMaintenance, NodeIsRetired, NodeProtected } from '#model/faults.ts';
import type { NewNode } from '#model/node-record.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import { allProvisionVerbs, type ProvisionVerb, provisionVerbs } from '#model/provision-verbs.ts';
import { Ground, type TestConductor } from '../testing/a-conductor.ts';
import { agentIsKnown, anAgentStep } from '../testing/scripted-driver.ts';

const steps = [{ interface: 'deploy', step: 'wipe' }];
type Request = (conductor: TestConductor, node: string) => Promise<void>;

const act =
  (action: string): Request =>
  async (conductor, node) =>
    await conductor.call('do_provisioning_action', { node, action });
const deploy =
  (rebuild: boolean): Request =>
  async (conductor, node) =>
    await conductor.call('do_node_deploy', { node, rebuild, configdrive: null, steps: undefined });
const tearDown: Request = async (conductor, node) => await conductor.call('do_node_tear_down', { node });
const rescue: Request = async (conductor, node) =>
  await conductor.call('do_node_rescue', { node, rescuePassword: 'secret of the test' });
const service: Request = async (conductor, node) =>
  await conductor.call('do_node_service', { node, steps, disableRamdisk: false });
const clean: Request = async (conductor, node) =>
  await conductor.call('do_node_clean', { node, steps, disableRamdisk: false });

/** Each verb as the API hands it on; abort and unhold need something that waits, which others test. */
const requests: Partial<Record<ProvisionVerb, Request>> = {
  active: deploy(false),
  rebuild: deploy(true),
  deleted: tearDown,
  manage: act('manage'),
  provide: act('provide'),
  inspect: async (conductor, node) => await conductor.call('inspect_hardware', { node }),
  clean,
  adopt: act('adopt'),
  rescue,
  unrescue: async (conductor, node) => await conductor.call('do_node_unrescue', { node }),
  service,
};

const conditions: {
  name: string;
  node: Partial<NewNode>;
  settings?: SettingsOverrides;
  refuses: ProvisionVerb[];
  fault: new (...args: never[]) => Error;
}[] = [
  { name: 'protected', node: { protected: true }, refuses: ['rebuild', 'deleted'], fault: NodeProtected },
  { name: 'retired', node: { retired: true }, refuses: ['provide'], fault: NodeIsRetired },
  {
    name: 'in maintenance',
    node: { maintenance: true },
    refuses: ['active', 'rebuild', 'clean', 'rescue', 'unrescue', 'service'],
    fault: NodeInMaintenance,
  },
  {
    name: 'in maintenance, in which nothing is to be provided',
    node: { maintenance: true },
    settings: { conductor: { allow_provisioning_in_maintenance: false } },
    refuses: ['active', 'rebuild', 'clean', 'rescue', 'unrescue', 'service', 'provide'],
    fault: NodeInMaintenance,
  },
];

describe('a node', () => {
  for (const { name, node, settings = {}, refuses, fault } of conditions)
    for (const verb of allProvisionVerbs) {
      const request = requests[verb];
      if (!request) continue;
      const isRefused = refuses.includes(verb);
      test(`that is ${name} ${isRefused ? 'refuses' : 'takes'} ${verb} wherever it is known`, async () => {
        await using ground = await Ground.make();
        const conductor = await ground.conductor({ settings });
        for (const state of provisionVerbs[verb].allowedFrom) {
          const uuid = await ground.node(conductor, { provision_state: state, ...node });
          if (!isRefused) {
            await request(conductor, uuid);
            continue;
          }
          await assert.rejects(request(conductor, uuid), fault);
          const after = await ground.read(uuid);
          assert.deepEqual([after.provision_state, after.reservation], [state, null]);
        }
      });
    }
});

describe('a retired node', () => {
  for (const automated_clean of [true, false])
    test(`ends its removal as manageable, ${automated_clean ? 'cleaned' : 'without cleaning'}`, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const retired = { retired: true, provision_state: 'active', automated_clean } as const;
      const uuid = await ground.node(conductor, { ...retired, lessee: null, instance_info: { a: 1 } });
      await tearDown(conductor, uuid);
      const node = await ground.untilAtRest(uuid);
      assert.deepEqual([node.provision_state, node.instance_info], ['manageable', {}]);
      assert.equal(ground.driver.callsOf('erase').length, automated_clean ? 1 : 0);
    });
});

const powerOffs = { poweroff_in_cleanfail: true, poweroff_in_servicefail: true };

/** Ways to end badly, each of which ends with the machine off. */
const failures: {
  name: string;
  node: Partial<NewNode>;
  begin: Request;
  step: string;
  ends: ProvisionState;
}[] = [
  {
    name: 'a deployment',
    node: { provision_state: 'available' },
    begin: deploy(false),
    step: 'deploy',
    ends: 'deploy failed',
  },
  { name: 'cleaning', node: {}, begin: clean, step: 'agent wipe', ends: 'clean failed' },
  {
    name: 'service',
    node: { provision_state: 'active' },
    begin: service,
    step: 'agent wipe',
    ends: 'service failed',
  },
];

describe('a machine that must never be off', () => {
  for (const { name, node, begin, step, ends } of failures)
    for (const disable_power_off of [false, true])
      test(`after ${name} that failed is ${disable_power_off ? 'left on' : 'turned off where it may be'}`, async () => {
        await using ground = await Ground.make();
        const conductor = await ground.conductor({ settings: { conductor: powerOffs } });
        const uuid = await ground.node(conductor, { ...node, disable_power_off });
        ground.driver.power.set(uuid, 'power on');
        ground.driver.agentSteps = [anAgentStep('wipe', 0)];
        ground.driver.next(step, new Error('It broke'));
        await begin(conductor, uuid);
        assert.equal((await ground.untilAtRest(uuid)).provision_state, ends);
        assert.equal(ground.driver.callsOf('power off').length, disable_power_off ? 0 : 1);
      });

  for (const [target, isRefused] of [
    ['power on', false],
    ['power off', true],
    ['soft power off', true],
    ['rebooting', false],
    ['soft rebooting', false],
  ] as const)
    test(`${isRefused ? 'refuses' : 'takes'} ${target}`, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, { disable_power_off: true });
      const asked = conductor.call('change_node_power_state', { node: uuid, target, timeoutSeconds: null });
      if (isRefused) await assert.rejects(asked, InvalidState);
      else await asked;
    });
});

describe('the fault of a node', () => {
  const wait = { kind: 'wait', for: 'agent', changes: agentIsKnown } as const;
  const rows: {
    name: string;
    node: Partial<NewNode>;
    begin: Request;
    script(ground: Ground): void;
    abort?: true;
    ends: ProvisionState;
    fault: string | null;
  }[] = [
    {
      name: 'is clean failure when a clean step failed',
      node: {},
      begin: clean,
      script: ({ driver }) => driver.next('agent wipe', new Error('It broke')),
      ends: 'clean failed',
      fault: 'clean failure',
    },
    {
      name: 'is none when cleaning failed before its first step',
      node: {},
      begin: clean,
      script: ({ driver }) => driver.next('prepareAgent', new Error('It broke')),
      ends: 'clean failed',
      fault: null,
    },
    {
      name: 'is service failure when a service step failed',
      node: { provision_state: 'active' },
      begin: service,
      script: ({ driver }) => driver.next('agent wipe', new Error('It broke')),
      ends: 'service failed',
      fault: 'service failure',
    },
    {
      name: 'is rescue abort failure when an aborted rescue could not be undone',
      node: { provision_state: 'active' },
      begin: rescue,
      script({ driver }) {
        driver.next('rescue', wait);
        driver.next('cleanUpRescue', new Error('It broke'));
      },
      abort: true,
      ends: 'rescue failed',
      fault: 'rescue abort failure',
    },
    {
      name: 'is none when an aborted rescue was undone',
      node: { provision_state: 'active' },
      begin: rescue,
      script: ({ driver }) => driver.next('rescue', wait),
      abort: true,
      ends: 'rescue failed',
      fault: null,
    },
  ];
  for (const row of rows)
    test(row.name, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, row.node);
      ground.driver.agentSteps = [anAgentStep('wipe', 0)];
      row.script(ground);
      await row.begin(conductor, uuid);
      if (row.abort) {
        await ground.untilWaits(uuid);
        await act('abort')(conductor, uuid);
      }
      const node = await ground.untilAtRest(uuid);
      const { ends, fault } = row;
      assert.deepEqual([node.provision_state, node.maintenance, node.fault], [ends, fault !== null, fault]);
    });
});

test('cleaning that succeeds takes back the maintenance that a failed one set, and no other', async () => {
  for (const fault of ['clean failure', 'power failure'] as const) {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, { maintenance: true, fault });
    await act('provide')(conductor, uuid);
    const node = await ground.untilAtRest(uuid);
    assert.deepEqual([node.provision_state, node.maintenance], ['available', fault === 'power failure']);
  }
});
