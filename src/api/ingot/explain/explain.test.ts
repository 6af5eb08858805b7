// Every cause, brought about by what stands in the store and what the conductor says, asked for over HTTP.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { registerConductor } from '#db/conductors.ts';
import { insertNode } from '#db/nodes.ts';
import { insertOperation } from '#db/operations.ts';
import { anOperation } from '#db/testing/an-operation.ts';
import { systemClock, wireTime } from '#model/clock.ts';
import { NodeLocked } from '#model/faults.ts';
import type { NewNode, NodeRecord } from '#model/node-record.ts';
import type { NodeView } from '#protocol/node-view.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import { type ApiUnderTest, startApi } from '../../testing/api-under-test.ts';
import { allCauses, type Cause } from './causes.ts';

const host = 'conductor-under-test';
const dead = 'a-conductor-that-died';

const ago = (seconds: number): string => wireTime(Date.now() - seconds * 1000);
const ahead = (seconds: number): string => wireTime(Date.now() + seconds * 1000);

/** What is so, and what is to be said of it. */
interface Case {
  cause: Cause;
  /** Words that the summary must have. */
  says: RegExp;
  node?: Partial<NodeRecord>;
  operation?: Partial<OperationRecord>;
  view?: Partial<NodeView> | 'silent';
}

const deploying = { provision_state: 'deploying', target_provision_state: 'active' } as const;
const awaited = {
  provision_state: 'wait call-back',
  target_provision_state: 'active',
  power_state: 'power on',
} as const;
const heard = (seconds: number, more: object = {}) => ({
  driver_internal_info: { agent_url: 'https://192.0.2.7:9999', agent_last_heartbeat: ago(seconds), ...more },
});
const forAgent = { state: 'waiting', wait: { for: 'agent' } } as const;
const rest = (provision_state: NodeRecord['provision_state'], more: Partial<NodeRecord> = {}) => ({
  provision_state,
  power_state: 'power off' as const,
  ...more,
});
const failedBy = (last_error: string, provision_state: NodeRecord['provision_state'] = 'deploy failed') => ({
  node: rest(provision_state, { last_error }),
});

const cases: Case[] = [
  { cause: 'no_conductor_in_group', says: /'rack-9'/, node: { conductor_group: 'rack-9' } },
  { cause: 'no_conductor_with_driver', says: /hardware type toaster/, node: { driver: 'toaster' } },
  { cause: 'driver_not_usable', says: /no such interface/, view: { noDriver: 'no such interface' } },
  {
    cause: 'held_by_dead_conductor',
    says: new RegExp(`${dead}.*last committed step`),
    node: { ...deploying, reservation: dead },
    operation: { owner: dead },
  },
  {
    cause: 'owner_is_dead',
    says: /waits on in its place/,
    node: awaited,
    operation: { ...forAgent, owner: dead },
  },
  {
    cause: 'cleaning_up_after_failure',
    says: /the disk is gone.*undone/,
    node: { ...deploying, reservation: host },
    operation: { state: 'failing', error: 'the disk is gone' },
  },
  {
    cause: 'abort_pending',
    says: /deploy\.write_image may not be interrupted/,
    node: awaited,
    operation: { ...forAgent, abort_requested: true },
  },
  {
    cause: 'hold',
    says: /unhold/,
    node: { provision_state: 'deploy hold' },
    operation: { state: 'waiting', wait: { for: 'hold' } },
  },
  {
    cause: 'turn',
    says: /max_concurrent_deploy.*place 1 of 1/,
    node: deploying,
    operation: { state: 'waiting', wait: { for: 'turn', limit: 'deploy' }, queue: 'deploy', round: 1 },
  },
  {
    cause: 'turn',
    says: /comes when a live conductor has it: nobody knows is gone/,
    node: deploying,
    operation: {
      state: 'waiting',
      wait: { for: 'turn', limit: 'deploy' },
      queue: 'deploy',
      round: 1,
      owner: 'nobody knows',
    },
  },
  {
    cause: 'retry',
    says: /the server of images is away.*tried again at.*; 2 more if that fails too/,
    node: deploying,
    operation: {
      state: 'waiting',
      wait: { for: 'retry', at: ahead(60), reason: 'the server of images is away', left: 2 },
    },
  },
  {
    cause: 'bmc_left_alone',
    says: /192\.0\.2\.1.*did not answer 5 times/,
    node: { ...deploying, reservation: host },
    view: {
      bmc: { address: '192.0.2.1', failures: 5, leftAloneUntil: ahead(20), lastFailure: 'no route' },
    },
    operation: {},
  },
  {
    cause: 'wait_in_maintenance',
    says: /a new disk.*no time limit/,
    node: { ...awaited, maintenance: true, maintenance_reason: 'a new disk' },
    operation: forAgent,
  },
  {
    cause: 'agent_reports_error',
    says: /the disks cannot be read/,
    node: {
      ...awaited,
      ...heard(5, { agent_status: 'error', agent_status_message: 'the disks cannot be read' }),
    },
    operation: forAgent,
  },
  {
    cause: 'machine_off',
    says: /the machine is off/,
    node: { ...awaited, power_state: 'power off' },
    operation: forAgent,
  },
  { cause: 'power_not_known', says: /not set/, node: { ...awaited, power_state: null }, operation: forAgent },
  {
    cause: 'agent_unreached',
    says: /heard of 5 s ago, and cannot be called.*no route/,
    node: { ...awaited, ...heard(5) },
    operation: {
      state: 'waiting',
      wait: { for: 'poll', at: ahead(5) },
      memo: { agent_unreached: 'no route' },
    },
  },
  {
    cause: 'agent_works',
    says: /write_image and is at 42 %/,
    node: { ...awaited, ...heard(5) },
    operation: { ...forAgent, memo: { agent_command: { name: 'x' }, progress: { percent: 42.7 } } },
  },
  {
    cause: 'agent_refused',
    says: /the token is another.*earlier boot/,
    node: { ...awaited, provision_updated_at: ago(20) },
    operation: forAgent,
    view: { refusedHeartbeat: { at: ago(10), reason: 'the token is another' } },
  },
  {
    cause: 'agent_booting',
    says: /some minutes/,
    node: { ...awaited, provision_updated_at: ago(20) },
    operation: forAgent,
  },
  {
    cause: 'agent_never_heard',
    says: /never heard of/,
    node: { ...awaited, provision_updated_at: ago(1000) },
    operation: forAgent,
  },
  {
    cause: 'agent_silent',
    says: /192\.0\.2\.7.*4\d\d s ago/,
    node: { ...awaited, ...heard(400) },
    operation: forAgent,
  },
  { cause: 'agent_due', says: /next heartbeat/, node: { ...awaited, ...heard(20) }, operation: forAgent },
  {
    cause: 'polling',
    says: /looked at again/,
    node: awaited,
    operation: { state: 'waiting', wait: { for: 'poll', at: ahead(5) } },
  },
  {
    cause: 'conductor_silent',
    says: /cannot be asked/,
    node: { ...deploying, reservation: host },
    operation: {},
    view: 'silent',
  },
  {
    cause: 'worker_wanted',
    says: /All 2 workers.*3 jobs/,
    node: { ...deploying, reservation: host },
    operation: { cursor: 0 },
    view: { workers: { load: 5, size: 2 } },
  },
  {
    cause: 'power_changing',
    says: /power off/,
    node: rest('active', { reservation: host }),
    operation: { kind: 'power', input: { powerTarget: 'power off' } },
  },
  {
    cause: 'step_again',
    says: /second time/,
    node: { ...deploying, reservation: host },
    operation: { attempt: 2 },
  },
  {
    cause: 'step_running',
    says: /write_image, step 2 of 3/,
    node: { ...deploying, reservation: host },
    operation: {},
  },
  { cause: 'state_without_operation', says: /no work is recorded/, node: deploying },
  { cause: 'held_for_a_call', says: /short call/, node: rest('active', { reservation: host }) },

  {
    cause: 'maintenance_power_failure',
    says: /tried again/,
    node: rest('active', { maintenance: true, fault: 'power failure' }),
  },
  {
    cause: 'maintenance_clean_failure',
    says: /cleaning/,
    node: rest('clean failed', { maintenance: true, fault: 'clean failure' }),
  },
  {
    cause: 'maintenance_rescue_abort_failure',
    says: /rescue/,
    node: rest('rescue failed', { maintenance: true, fault: 'rescue abort failure' }),
  },
  {
    cause: 'maintenance_service_failure',
    says: /service/,
    node: rest('service failed', { maintenance: true, fault: 'service failure' }),
  },
  {
    cause: 'maintenance_by_operator',
    says: /a new disk/,
    node: rest('manageable', { maintenance: true, maintenance_reason: 'a new disk' }),
  },

  {
    cause: 'failed_bmc_refused_credentials',
    says: /user and password/,
    ...failedBy(
      'The BMC at https://192.0.2.1 refused the user name or password; correct them on the node',
      'enroll',
    ),
  },
  {
    cause: 'failed_bmc_forbids',
    says: /administrator/,
    ...failedBy('The BMC at https://192.0.2.1 does not allow its user POST /x', 'enroll'),
  },
  {
    cause: 'failed_bmc_unreachable',
    says: /management network/,
    ...failedBy('Cannot reach the BMC at https://192.0.2.1: no route', 'enroll'),
  },
  {
    cause: 'failed_bmc_timeout',
    says: /in time/,
    ...failedBy('The BMC at https://192.0.2.1 did not answer GET /redfish/v1 within 60 s', 'inspect failed'),
  },
  {
    cause: 'failed_bmc_busy',
    says: /too many/,
    ...failedBy('The BMC at https://192.0.2.1 is busy: 64 requests wait', 'adopt failed'),
  },
  {
    cause: 'failed_bmc_nonsense',
    says: /redfish_address/,
    ...failedBy('The BMC at https://192.0.2.1 answered GET /x with something that is not JSON', 'enroll'),
  },
  {
    cause: 'failed_bmc_refused',
    says: /refused what/,
    ...failedBy('Redfish exception occurred. Error: The BMC at https://x answered 500'),
  },
  {
    cause: 'failed_power_stuck',
    says: /power state/,
    ...failedBy('Failed to set node power state to power on.'),
  },
  {
    cause: 'failed_agent_never_came',
    says: /console/,
    ...failedBy("Timeout: nothing was heard of the agent for 1800 s while the node was in 'wait call-back'."),
  },
  {
    cause: 'failed_step_timed_out',
    says: /did not end in time/,
    ...failedBy('Timeout: the step raid.create did not end within 1800 s', 'clean failed'),
  },
  {
    cause: 'failed_machine_turned_off',
    says: /power cuts/,
    ...failedBy('The machine was found off while writing the image.'),
  },
  {
    cause: 'failed_agent_lost',
    says: /went away/,
    ...failedBy('The agent at https://192.0.2.7:9999 stopped answering while writing the image: refused.'),
  },
  {
    cause: 'failed_checksum_unreachable',
    says: /Open the URL/,
    ...failedBy('The agent failed at writing the image: The checksum of image a cannot be used: 404'),
  },
  {
    cause: 'failed_image_checksum',
    says: /image_checksum/,
    ...failedBy('The agent failed at writing the image: the checksum is ab, not cd'),
  },
  {
    cause: 'failed_image_unreachable',
    says: /image_source/,
    ...failedBy('The agent failed at writing the image: its server answered with status 404'),
  },
  {
    cause: 'failed_no_root_device',
    says: /root_device/,
    ...failedBy('The agent failed at writing the image: no disk matches the root device hints'),
  },
  {
    cause: 'failed_disk_too_small',
    says: /larger disk/,
    ...failedBy('The agent failed at writing the image: the image does not fit on /dev/sda'),
  },
  {
    cause: 'failed_boot_file_missing',
    says: /deploy_kernel/,
    ...failedBy('The boot file http://x/kernel cannot be used: its server did not give it.'),
  },
  {
    cause: 'failed_must_not_repeat',
    says: /how far it came/,
    ...failedBy('The step bios.factory_reset was interrupted and must not be done twice', 'clean failed'),
  },
  {
    cause: 'failed_aborted',
    says: /Nothing is broken/,
    ...failedBy('By request, the clean operation was aborted', 'clean failed'),
  },
  { cause: 'failed_replaced', says: /something else/, ...failedBy("Replaced by the operation 'tear down'") },
  {
    cause: 'failed_agent_failed',
    says: /own words/,
    ...failedBy('The agent failed at erasing the disks: it burns', 'clean failed'),
  },
  { cause: 'failed_other', says: /the log/i, ...failedBy('Something else altogether') },
  { cause: 'failed_without_reason', says: /no error/, node: rest('rescue failed') },

  {
    cause: 'last_action_failed',
    says: /last action failed/,
    node: rest('active', { last_error: 'it did not turn on' }),
  },
  {
    cause: 'power_interface_incomplete',
    says: /redfish_address/,
    node: rest('manageable'),
    view: { misses: { power: 'driver_info has no redfish_address' } },
  },
  { cause: 'not_verified', says: /manage/, node: rest('enroll') },
  {
    cause: 'power_state_error',
    says: /look at the machine/,
    node: rest('available', { power_state: 'error' }),
  },
  {
    cause: 'boot_media_missing',
    says: /deploy_kernel/,
    node: rest('available'),
    view: { misses: { boot: 'nobody names a deploy_kernel' } },
  },
  {
    cause: 'retired',
    says: /too old/,
    node: rest('manageable', { retired: true, retired_reason: 'too old' }),
  },
  {
    cause: 'available_in_use',
    says: /instance/,
    node: rest('available', { instance_uuid: crypto.randomUUID() }),
  },
  { cause: 'available', says: /deploy/, node: rest('available') },
  {
    cause: 'manageable_cleaning_off',
    says: /without cleaning/,
    node: rest('manageable', { automated_clean: false }),
  },
  { cause: 'manageable', says: /provide cleans/, node: rest('manageable') },
  { cause: 'rescue', says: /unrescue/, node: rest('rescue') },
  { cause: 'instance_powered_off', says: /is off/, node: rest('active') },
  {
    cause: 'protected',
    says: /the database.*refused/,
    node: {
      provision_state: 'active',
      power_state: 'power on',
      protected: true,
      protected_reason: 'the database',
    },
  },
  { cause: 'active', says: /runs/, node: { provision_state: 'active', power_state: 'power on' } },
];

describe('GET /ingot/v1/nodes/{node}/explain', () => {
  let api: ApiUnderTest;
  const views = new Map<string, Case['view']>();
  before(async () => {
    api = await startApi({
      // Else it would take over what the dead one holds.
      settings: { conductor: { heartbeat_interval: 3600 } },
      handlers: {
        explain_node: async ({ node }) => {
          const view = views.get(node);
          if (view === 'silent') throw new NodeLocked({ node, host });
          const usual = {
            conductor: host,
            workers: { load: 1, size: 300 },
            bmc: null,
            misses: {},
            noDriver: null,
          };
          return { ...usual, ...view };
        },
      },
    });
    await api.store.write(async (transaction) => {
      const conductor = { hostname: dead, life: 'its only one', conductorGroup: '', interfaces: [] };
      await registerConductor(transaction, conductor, { ...systemClock, now: () => Date.now() - 9e9 });
    });
  });
  after(async () => await api[Symbol.asyncDispose]());

  for (const each of cases)
    it(`tells ${each.cause} from every other cause`, async () => {
      const uuid = await stage(api, views, each);
      const { status, json } = await api.request('GET', `/ingot/v1/nodes/${uuid}/explain`);
      assert.equal(status, 200);
      assert.equal(json.cause, each.cause, json.summary);
      assert.match(json.summary, each.says);
    });

  it('has a case here for every cause there is, but for the two that end all others', () => {
    const shown = new Set<Cause>(cases.map(({ cause }) => cause));
    const left = allCauses.filter((cause) => !shown.has(cause));
    assert.deepEqual(left, ['no_conductor_alive', 'nothing_to_do']);
  });

  it('says how far the work is, until when the wait may last, and what may be done', async () => {
    const begun = ago(100);
    const uuid = await stage(api, views, {
      cause: 'agent_due',
      says: /./,
      node: { ...awaited, ...heard(20), provision_updated_at: begun },
      operation: { ...forAgent, created_at: begun },
    });
    const { json } = await api.request('GET', `/ingot/v1/nodes/${uuid}/explain`);
    assert.equal(json.holder, null);
    assert.deepEqual([json.operation.kind, json.operation.step, json.operation.steps], ['deploy', 2, 3]);
    assert.equal(json.operation.step_name, 'deploy.write_image');
    assert.equal(json.waits_for.until, wireTime(Date.parse(begun) + 1800 * 1000));
    assert.match(json.waits_for.what_then, /'deploy failed'.*deploy_callback_timeout/);
    assert.deepEqual(
      json.next_steps.map((step: { step: string }) => step.step),
      ['boot_instance'],
    );
    assert.deepEqual(json.allowed_verbs, ['deleted', 'abort']);
    assert.equal(json.conductor.answered, true);
  });

  it('asks who holds the node, also where the ring says otherwise', async () => {
    const uuid = await stage(api, views, {
      cause: 'no_conductor_in_group',
      says: /./,
      node: { ...deploying, reservation: host, conductor_group: 'where nobody is' },
      operation: {},
    });
    const { json } = await api.request('GET', `/ingot/v1/nodes/${uuid}/explain`);
    assert.deepEqual([json.conductor.hostname, json.conductor.answered], [host, true]);
  });

  it('estimates by what the same took on this hardware type before, and names the request it began with', async () => {
    const created = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
    const path = `/v1/nodes/${created.json.uuid}`;
    const asked = await api.request('PUT', `${path}/states/provision`, { body: { target: 'manage' } });
    assert.equal(asked.status, 202);
    await until(async () => (await api.request('GET', path)).json.provision_state === 'manageable');
    const uuid = await stage(api, views, {
      cause: 'step_running',
      says: /./,
      node: { provision_state: 'verifying', reservation: host },
      operation: { kind: 'verify' },
    });
    const { json } = await api.request('GET', `/ingot/v1/nodes/${uuid}/explain`);
    assert.equal(json.estimate.from, 1);
    assert.ok(json.estimate.median_seconds >= 0);
  });

  it('tells when no conductor is alive', async () => {
    const uuid = await stage(api, views, { cause: 'manageable', says: /./, node: rest('manageable') });
    await api.store.write(
      async (transaction) =>
        await transaction.updateTable('conductors').set({ online: 0 }).where('hostname', '=', host).execute(),
    );
    const { json } = await api.request('GET', `/ingot/v1/nodes/${uuid}/explain`);
    assert.equal(json.cause, 'no_conductor_alive');
  });
});

/** Stores what a case says, and gives the node's UUID. */
async function stage(
  api: ApiUnderTest,
  views: Map<string, Case['view']>,
  { node, operation, view }: Case,
): Promise<string> {
  const uuid = crypto.randomUUID();
  views.set(uuid, view);
  const now = wireTime(Date.now());
  await api.store.write(async (transaction) => {
    const { reservation, ...columns } = { ...node };
    const record: NewNode & { created_at: string } = {
      uuid,
      driver: 'fake-hardware',
      provision_state: 'manageable',
      created_at: now,
      provision_updated_at: now,
      ...columns,
    };
    const stored = await insertNode(transaction, record);
    if (reservation)
      await transaction.updateTable('nodes').set({ reservation }).where('uuid', '=', uuid).execute();
    if (operation)
      await insertOperation(transaction, anOperation(stored, { cursor: 1, owner: host, ...operation }));
  });
  return uuid;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
