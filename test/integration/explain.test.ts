// Whatever goes wrong with a node, or holds it up, `explain` names it: a row each.
import assert from 'node:assert/strict';
import { link } from 'node:fs/promises';
import { after, before, describe, test, type TestContext } from 'node:test';
import { join } from 'node:path';
import { type Configuration, merged } from '#sim/cluster/configuration-file.ts';
import type { Fault } from '#sim/faults.ts';
import { BareMetalClient, Refused } from '../support/bare-metal-client.ts';
import { type DataCentre, openDataCentre } from '../support/data-centre.ts';
import { openCluster } from '../support/data-centre-cluster.ts';
import {
  aDeployableMachine,
  aFakeNode,
  aMemoryMachine,
  type Explanation,
  type Place,
  untilExplained,
} from '../support/explained-node.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { until } from '../support/until.ts';

/** What is to be said. */
interface Said {
  cause: string;
  /** Words that the summary must have. */
  says: RegExp;
  /** What else the explanation has to tell. */
  tells?: (explanation: Explanation) => void;
}

interface Row extends Said {
  /** Makes it so, and gives the node's UUID. */
  inject: (place: Place) => Promise<string>;
}

type Rows = Record<string, Row>;

/** Enrols a machine whose BMC does that, and asks for `manage`. */
const verifying =
  (fault: Fault | null, driverInfo: Record<string, unknown> = {}) =>
  async (place: Place): Promise<string> => {
    const { client, centre } = place;
    const { machine, uuid } = await aMemoryMachine(place);
    for (const [name, value] of Object.entries(driverInfo))
      await client.patch(uuid, { [`driver_info/${name}`]: value });
    if (fault) centre.sim.setFault(machine.name, fault);
    await client.provision(uuid, 'manage');
    return uuid;
  };

/** A deployment that waits for an agent that nobody starts. */
async function awaitingAgent(place: Place): Promise<{ uuid: string; machine: string }> {
  const { client } = place;
  const { machine, uuid } = await aMemoryMachine(place);
  await client.provision(uuid, 'manage');
  await client.untilState(uuid, 'manageable');
  await client.provision(uuid, 'provide');
  await client.untilState(uuid, 'available');
  await client.provision(uuid, 'active');
  await client.until(uuid, ({ provision_state: state }) => state === 'wait call-back');
  return { uuid, machine: machine.name };
}

/** A deployment by the agent, of that image. */
const deploying =
  (
    instanceInfo: (place: Place) => Record<string, unknown> = () => ({}),
    node: Record<string, unknown> = {},
    fault?: Fault,
  ) =>
  async (place: Place): Promise<string> => {
    const { client, centre } = place;
    const disk = { sizeBytes: 64 * 1024 ** 2 };
    const small = { sizeBytes: 4 * 1024 ** 2 };
    const { machine, uuid } = await aDeployableMachine(place, {}, { disks: [disk, small] });
    const patch = Object.entries(instanceInfo(place)).map(([name, value]) => [
      `instance_info/${name}`,
      value,
    ]);
    await client.patch(uuid, { ...node, ...Object.fromEntries(patch) });
    if (fault) centre.sim.setFault(machine.name, fault);
    await client.provision(uuid, 'active');
    return uuid;
  };

const image = (path: string) => (place: Place) => ({ image_source: `${place.centre.images.url}${path}` });

/** Steps asked for by hand on a node without hardware. */
const withSteps =
  (verb: 'clean' | 'service' | 'active', ...steps: Record<string, unknown>[]) =>
  async (place: Place): Promise<string> => {
    const from = { clean: 'manageable', service: 'active', active: 'available' } as const;
    const name = { clean: 'clean_steps', service: 'service_steps', active: 'deploy_steps' } as const;
    const uuid = await aFakeNode(place, from[verb], { vendor_interface: 'fake', bios_interface: 'fake' });
    await place.client.provision(uuid, verb, { [name[verb]]: steps });
    return uuid;
  };

const changed =
  (state: 'enroll' | 'manageable' | 'available' | 'active', members: Record<string, unknown>) =>
  async (place: Place): Promise<string> => {
    const uuid = await aFakeNode(place, state);
    await place.client.patch(uuid, members);
    return uuid;
  };

const fake =
  (state: 'enroll' | 'manageable' | 'available' | 'active', node: Record<string, unknown> = {}) =>
  async (place: Place): Promise<string> =>
    await aFakeNode(place, state, node);

function endsWith(state: RegExp): (explanation: Explanation) => void {
  return ({ waits_for: wait }) => {
    assert.ok(wait?.until && Date.parse(wait.until) > Date.now(), 'the end of the wait is told');
    assert.match(wait.what_then, state);
  };
}

const endsByNobody = ({ waits_for: wait }: Explanation): void => assert.equal(wait?.until, null);

/** Nothing ends by itself here but what fails at once. */
const patient: Rows = {
  'a wrong password of the BMC': {
    inject: verifying(null, { redfish_password: 'wrong' }),
    cause: 'failed_bmc_refused_credentials',
    says: /The verify failed.*'enroll'.*Correct the user and password in driver_info/,
  },
  'a BMC that takes the password no more': {
    inject: verifying({ kind: 'unauthorized' }),
    cause: 'failed_bmc_refused_credentials',
    says: /user and password/,
  },
  'a BMC whose user may not do it': {
    inject: verifying({ kind: 'status', status: 403 }),
    cause: 'failed_bmc_forbids',
    says: /administrator/,
  },
  'a BMC that refuses connections': {
    inject: verifying(null, { redfish_address: 'http://127.0.0.1:1' }),
    cause: 'failed_bmc_unreachable',
    says: /http:\/\/127\.0\.0\.1:1.*management network/,
  },
  'a BMC that tears connections down': {
    inject: verifying({ kind: 'reset' }),
    cause: 'failed_bmc_unreachable',
    says: /management network/,
  },
  'a BMC that hangs': {
    inject: verifying({ kind: 'hang' }),
    cause: 'failed_bmc_timeout',
    says: /did not answer in time.*Restart the BMC/,
  },
  'a BMC that answers with an error': {
    inject: verifying({ kind: 'status', status: 500 }),
    cause: 'failed_bmc_refused',
    says: /500/,
  },
  'a BMC that answers with a page for people': {
    inject: verifying({ kind: 'wrong-answer', answer: 'html' }),
    cause: 'failed_bmc_nonsense',
    says: /not JSON.*redfish_address/,
  },
  'a BMC that answers with garbage': {
    inject: verifying({ kind: 'wrong-answer', answer: 'garbage' }),
    cause: 'failed_bmc_nonsense',
    says: /not JSON/,
  },
  'a session that the BMC has forgotten, which is no trouble': {
    inject: verifying({ kind: 'stale-session', count: 1 }),
    cause: 'manageable_cleaning_off',
    says: /nothing is under way/,
  },
  'a node without the address of its BMC': {
    async inject({ client }) {
      return await client.createNode({ driver: 'redfish' });
    },
    cause: 'power_interface_incomplete',
    says: /redfish_address/,
  },
  'a BMC that is left alone for a while': {
    async inject(place) {
      const { client, centre } = place;
      const { uuid, machine } = await awaitingAgent(place);
      centre.sim.setFault(machine, { kind: 'reset' });
      const ask = async (): Promise<unknown> =>
        await client.send('GET', `/v1/nodes/${uuid}/management/boot_device`).catch((error: unknown) => error);
      await until(ask, (answer) => answer instanceof Refused && /is not being asked/.test(answer.message));
      return uuid;
    },
    cause: 'bmc_left_alone',
    says: /did not answer \d+ times in a row and is left alone until/,
  },

  'a machine that was just started': {
    inject: async (place) => (await awaitingAgent(place)).uuid,
    cause: 'agent_booting',
    says: /The machine was started \d+ s ago.*awaited/,
    tells: endsWith(/'deploy failed'.*deploy_callback_timeout/),
  },
  'a machine that was turned off while its agent is awaited': {
    async inject(place) {
      const { uuid } = await awaitingAgent(place);
      await place.client.send('PUT', `/v1/nodes/${uuid}/states/power`, { target: 'power off' });
      return uuid;
    },
    cause: 'machine_off',
    says: /the machine is off: no agent can come/,
  },
  'maintenance while the agent is awaited': {
    async inject(place) {
      const { uuid } = await awaitingAgent(place);
      await place.client.send('PUT', `/v1/nodes/${uuid}/maintenance`, { reason: 'a new fan' });
      return uuid;
    },
    cause: 'wait_in_maintenance',
    says: /for the agent.*a new fan.*no time limit/,
    tells: endsByNobody,
  },
  'signs of life with a token that is not the one of this boot': {
    async inject(place) {
      const { uuid } = await awaitingAgent(place);
      const sign = { callback_url: 'http://127.0.0.1:9999', agent_version: '1', agent_token: 'another' };
      await assert.rejects(place.client.send('POST', `/v1/heartbeat/${uuid}`, sign), Refused);
      return uuid;
    },
    cause: 'agent_refused',
    says: /was refused: The agent token of the heartbeat is not the one.*earlier boot/,
  },
  'a deployment that was cancelled': {
    async inject(place) {
      const { uuid } = await awaitingAgent(place);
      await place.client.send('POST', `/ingot/v1/nodes/${uuid}/cancel`);
      return uuid;
    },
    cause: 'failed_aborted',
    says: /The deploy failed.*somebody asked for it to be aborted/,
  },
  'an agent at work': {
    inject: deploying(image('slow.img')),
    cause: 'agent_works',
    says: /write_image and is at \d+ %/,
    tells({ agent, operation }) {
      assert.equal(operation?.step_name, 'deploy.write_image');
      assert.ok(agent?.url);
    },
  },
  'an agent that has frozen': {
    async inject(place) {
      const uuid = await deploying(image('slow.img'))(place);
      await untilExplained(place, uuid, { cause: 'agent_works' });
      const { name } = await place.client.send<{ name: string }>('GET', `/v1/nodes/${uuid}`);
      const { agent_pid: pid } = place.centre.sim.machine(name);
      assert.ok(pid);
      process.kill(pid, 'SIGSTOP');
      frozen.add(pid);
      return uuid;
    },
    cause: 'agent_silent',
    says: /The agent at http.* was last heard of \d+ s ago, longer than it may stay silent/,
  },
  'an inspection that waits for the agent': {
    async inject(place) {
      const { client } = place;
      const { uuid } = await aMemoryMachine(place, { inspect_interface: 'agent' });
      await client.provision(uuid, 'manage');
      await client.untilState(uuid, 'manageable');
      await client.provision(uuid, 'inspect');
      await client.until(uuid, ({ provision_state: state }) => state === 'inspect wait');
      return uuid;
    },
    cause: 'agent_booting',
    says: /awaited/,
    tells: endsWith(/'inspect failed'.*inspect_wait_timeout/),
  },
  'power that is being changed': {
    async inject(place) {
      const { client, centre } = place;
      const { machine, uuid } = await aMemoryMachine(place);
      await client.provision(uuid, 'manage');
      await client.untilState(uuid, 'manageable');
      centre.sim.setFault(machine.name, { kind: 'power-stuck' });
      await client.send('PUT', `/v1/nodes/${uuid}/states/power`, { target: 'power on' });
      return uuid;
    },
    cause: 'power_changing',
    says: /changed to 'power on'/,
    tells: ({ holder }) => assert.equal(holder?.alive, true),
  },
  'a failure that is tried again later': {
    inject: verifying(null, {
      redfish_password: 'wrong',
      ingot_retry: { attempts: 2, faults: ['any'], phases: ['verify'], backoff: 3600 },
    }),
    cause: 'retry',
    says: /The verify failed \(.*user name or password.*tried again at .*for the second time/,
    tells: ({ cancellable }) => assert.equal(cancellable, true),
  },
  'a retry that was cancelled': {
    async inject(place) {
      const { client } = place;
      const policy = { attempts: 2, faults: ['any'], phases: ['verify'], backoff: 3600 };
      const uuid = await verifying(null, { redfish_password: 'wrong', ingot_retry: policy })(place);
      await untilExplained(place, uuid, { cause: 'retry' });
      await client.send('POST', `/ingot/v1/nodes/${uuid}/cancel`);
      return uuid;
    },
    cause: 'failed_aborted',
    says: /The verify failed.*'enroll'.*somebody asked/,
  },

  'a clean hold': {
    inject: withSteps('clean', { interface: 'deploy', step: 'hold' }),
    cause: 'hold',
    says: /unhold/,
    tells(explanation) {
      assert.equal(explanation.provision_state, 'clean hold');
      assert.deepEqual(explanation.allowed_verbs.toSorted(), ['abort', 'unhold']);
      endsByNobody(explanation);
    },
  },
  'a deploy hold': {
    inject: withSteps('active', { interface: 'deploy', step: 'hold', args: {}, priority: 150 }),
    cause: 'hold',
    says: /unhold/,
    tells: ({ provision_state: state }) => assert.equal(state, 'deploy hold'),
  },
  'a service hold': {
    inject: withSteps('service', { interface: 'deploy', step: 'hold' }),
    cause: 'hold',
    says: /unhold/,
    tells: ({ provision_state: state }) => assert.equal(state, 'service hold'),
  },
  'a step that waits for a while': {
    inject: withSteps('clean', { interface: 'deploy', step: 'wait', args: { seconds: 1000 } }),
    cause: 'polling',
    says: /deploy\.wait and is looked at again at/,
    tells: endsWith(/'clean failed'.*clean_callback_timeout/),
  },
  'a step that takes its time': {
    inject: withSteps('clean', { interface: 'vendor', step: 'log_passthrough' }),
    cause: 'step_running',
    says: /is at the step vendor\.log_passthrough, step \d+ of \d+ of the clean/,
    tells: ({ holder }) => assert.equal(holder?.alive, true),
  },
  'an abort that waits for the end of a step': {
    async inject(place) {
      const uuid = await withSteps('service', { interface: 'vendor', step: 'trigger_servicewait' })(place);
      await place.client.until(uuid, ({ provision_state: state }) => state === 'service wait');
      await place.client.provision(uuid, 'abort');
      return uuid;
    },
    cause: 'abort_pending',
    says: /vendor\.trigger_servicewait may not be interrupted/,
  },
  'cleaning that failed in the middle': {
    inject: withSteps('clean', {
      interface: 'bios',
      step: 'apply_configuration',
      args: { settings: 'none' },
    }),
    cause: 'maintenance_clean_failure',
    says: /its cleaning failed in the middle.*BIOS settings are not a list/,
  },
  'a rescue that waits for the agent': {
    async inject(place) {
      const uuid = await aFakeNode(place, 'active', { rescue_interface: 'agent' });
      await place.client.provision(uuid, 'rescue', { rescue_password: 'a-password' });
      return uuid;
    },
    cause: 'agent_booting',
    says: /awaited/,
    tells: endsWith(/'rescue failed'.*rescue_callback_timeout/),
  },

  'maintenance by request': {
    async inject(place) {
      const uuid = await aFakeNode(place, 'available');
      await place.client.send('PUT', `/v1/nodes/${uuid}/maintenance`, { reason: 'a new fan' });
      return uuid;
    },
    cause: 'maintenance_by_operator',
    says: /by request \(a new fan\)/,
  },
  'a protected instance': {
    inject: changed('active', { protected: true, protected_reason: 'the database' }),
    cause: 'protected',
    says: /the database.*refused/,
    tells: ({ allowed_verbs: verbs }) => assert.ok(!verbs.includes('deleted')),
  },
  'a retired node': {
    inject: changed('manageable', { retired: true, retired_reason: 'too old' }),
    cause: 'retired',
    says: /too old/,
    tells: ({ allowed_verbs: verbs }) => assert.ok(!verbs.includes('provide')),
  },
  'a node that is reserved': {
    inject: changed('available', { instance_uuid: '6a1f7a3e-6a9a-4b0c-9d0e-0c5e7a0b7c11' }),
    cause: 'available_in_use',
    says: /6a1f7a3e/,
  },
  'a node that was never managed': {
    inject: fake('enroll'),
    cause: 'not_verified',
    says: /manage does that/,
  },
  'a manageable node': {
    inject: fake('manageable', { automated_clean: true }),
    cause: 'manageable',
    says: /provide cleans it/,
  },
  'an available node': {
    inject: fake('available'),
    cause: 'available',
    says: /waits for somebody to deploy/,
  },
  'an instance that runs': { inject: fake('active'), cause: 'active', says: /deployed and runs/ },
  'an instance that is off': {
    async inject(place) {
      const uuid = await aFakeNode(place, 'active');
      await place.client.send('PUT', `/v1/nodes/${uuid}/states/power`, { target: 'power off' });
      return uuid;
    },
    cause: 'instance_powered_off',
    says: /the machine is off/,
  },
};

/** Time limits are short. */
const hasty: Rows = {
  'a server of images that is away': {
    inject: deploying(() => ({ image_source: 'http://127.0.0.1:1/disk.img' })),
    cause: 'failed_image_unreachable',
    says: /could not be fetched.*127\.0\.0\.1:1.*image_source/,
  },
  'an image that is not there': {
    inject: deploying(image('absent.img')),
    cause: 'failed_image_unreachable',
    says: /absent\.img.*404.*image_source/,
  },
  'an image that breaks off': {
    inject: deploying(image('cut.img')),
    cause: 'failed_image_unreachable',
    says: /cut\.img.*server of images/,
  },
  'a wrong checksum': {
    inject: deploying(() => ({ image_checksum: 'a'.repeat(64) })),
    cause: 'failed_image_checksum',
    says: /a{64}.*Correct image_checksum/,
  },
  'a file of checksums that is not there': {
    inject: deploying(({ centre }) => ({ image_checksum: `${centre.images.url}ABSENT` })),
    cause: 'failed_checksum_unreachable',
    says: /ABSENT.*404.*image_checksum/,
  },
  'a disk that is too small': {
    inject: deploying(() => ({}), { 'properties/root_device': { name: '/dev/sdb' } }),
    cause: 'failed_disk_too_small',
    says: /\/dev\/sdb.*larger disk/,
  },
  'no disk that the hints name': {
    inject: deploying(() => ({}), { 'properties/root_device': { serial: 'NOT-THERE' } }),
    cause: 'failed_no_root_device',
    says: /NOT-THERE.*properties\.root_device/,
  },
  'a kernel of the agent that is not there': {
    async inject(place) {
      const { uuid } = await aDeployableMachine(place);
      await place.client.patch(uuid, {
        'driver_info/deploy_kernel': `${place.centre.images.url}absent-kernel`,
      });
      await place.client.provision(uuid, 'active');
      return uuid;
    },
    cause: 'failed_boot_file_missing',
    says: /absent-kernel/,
  },
  'an agent that is killed while it writes': {
    inject: deploying(image('slow.img'), {}, { kind: 'agent-death', after_bytes: 1_000_000, count: 1 }),
    cause: 'failed_agent_lost',
    says: /the agent went away in the middle of its work/,
  },
  'an agent at an address that the conductor does not reach': {
    async inject(place) {
      const { client } = place;
      const uuid = await aFakeNode(place, 'active', { rescue_interface: 'agent' });
      await client.provision(uuid, 'rescue', { rescue_password: 'a-password' });
      await client.until(uuid, ({ provision_state: state }) => state === 'rescue wait');
      const { config } = await client.send<{ config: { agent_token: string } }>(
        'GET',
        `/v1/lookup?node_uuid=${uuid}`,
      );
      const { agent_token } = config;
      const sign = { callback_url: 'http://127.0.0.1:1', agent_version: '1', agent_token };
      await client.send('POST', `/v1/heartbeat/${uuid}`, sign);
      return uuid;
    },
    cause: 'agent_unreached',
    says: /cannot be called.*127\.0\.0\.1:1 cannot be reached.*network from the conductor/,
  },
  'a machine on which nothing ever starts': {
    inject: async (place) => (await awaitingAgent(place)).uuid,
    cause: 'agent_never_heard',
    says: /never heard of in this boot, for \d+ s now: look at the machine's console/,
    tells: endsWith(/'deploy failed'.*deploy_callback_timeout/),
  },
  'an agent that never came': {
    inject: async (place) => (await awaitingAgent(place)).uuid,
    cause: 'failed_agent_never_came',
    says: /The deploy failed.*nothing was heard of the agent in time.*console/,
  },
  'power that does not change': {
    async inject(place) {
      const { client, centre } = place;
      const { machine, uuid } = await aDeployableMachine(place, {}, { kind: 'memory' });
      centre.sim.setFault(machine.name, { kind: 'power-stuck' });
      await client.provision(uuid, 'active');
      return uuid;
    },
    cause: 'failed_power_stuck',
    says: /did not reach the power state.*Look at the machine/,
  },
  'a change of power that failed': {
    async inject(place) {
      const { client, centre } = place;
      const { machine, uuid } = await aDeployableMachine(place, {}, { kind: 'memory' });
      centre.sim.setFault(machine.name, { kind: 'power-stuck' });
      await client.send('PUT', `/v1/nodes/${uuid}/states/power`, { target: 'power on' });
      return uuid;
    },
    cause: 'last_action_failed',
    says: /Nothing is under way; the last action failed: .*power on/,
  },
  'a BMC that is lost for a while': {
    async inject(place) {
      const { client, centre } = place;
      const { machine, uuid } = await aMemoryMachine(place);
      await client.provision(uuid, 'manage');
      await client.untilState(uuid, 'manageable');
      centre.sim.setFault(machine.name, { kind: 'reset' });
      return uuid;
    },
    cause: 'maintenance_power_failure',
    says: /BMC could not be asked for its power state; that is tried again/,
  },
};

/** Agents that a test has halted. */
const frozen = new Set<number>();

let centre: DataCentre;

before(async () => {
  centre = await openDataCentre();
  const { images, image: whole, folder } = centre;
  for (const name of ['slow.img', 'cut.img']) await link(whole.path, join(folder, 'images', name));
  images.setFault('/slow.img', { kind: 'slow', bytes_per_second: 400_000 });
  images.setFault('/cut.img', { kind: 'drop', after_bytes: 1_000_000 });
});

after(async () => {
  for (const pid of frozen) process.kill(pid, 'SIGCONT');
  await centre[Symbol.asyncDispose]();
});

const quickBmc: Configuration = {
  redfish: {
    connect_timeout: 2,
    read_timeout: 2,
    connection_attempts: 2,
    connection_retry_interval: 0.1,
    post_boot_retry_attempts: 2,
    post_boot_retry_delay: 0.1,
  },
};

/** As a row says, asked of the place. */
async function check(
  context: TestContext,
  place: Pick<Place, 'client'>,
  uuid: string,
  row: Said,
): Promise<void> {
  const explanation = await untilExplained(place, uuid, row);
  const { cause, summary, since } = explanation;
  context.diagnostic(`${cause}: ${summary}`);
  assert.doesNotMatch(summary, /undefined|null|\[object|NaN/);
  const began = Date.parse(since ?? '');
  assert.ok(began >= startedAt && began <= Date.now() + clockSlackMilliseconds, `since ${since}`);
  row.tells?.(explanation);
}

const startedAt = Date.now();
const clockSlackMilliseconds = 1000;

async function startService(folder: string, configuration: Configuration): Promise<[ServiceProcess, Place]> {
  const service = await ServiceProcess.start({
    folder: join(centre.folder, folder),
    configuration: merged(centre.configuration, quickBmc, configuration),
  });
  return [service, { centre, client: new BareMetalClient(service.url) }];
}

function checkEach(name: string, rows: Rows, configuration: Configuration): void {
  let service: ServiceProcess;
  let place: Place;
  before(async () => {
    [service, place] = await startService(name, configuration);
  });
  after(async () => {
    await service.kill();
  });
  for (const [what, { inject, ...said }] of Object.entries(rows))
    test(what, async (context) => {
      await check(context, place, await inject(place), said);
    });
}

describe('a service that waits for long explains', { concurrency: 8 }, () => {
  checkEach('patient', patient, {
    api: { ramdisk_heartbeat_timeout: 3 },
    fake: { vendor_delay: 3600 },
    ingot: { bmc_breaker_failures: 3, bmc_breaker_pause: 600 },
  });
});

describe('a service that waits for a short while explains', { concurrency: 8 }, () => {
  checkEach('hasty', hasty, {
    conductor: {
      deploy_callback_timeout: 20,
      power_state_change_timeout: 3,
      sync_power_state_interval: 1,
      power_state_sync_max_retries: 1,
    },
    agent: { command_timeout: 1, max_command_attempts: 1 },
  });
});

test('who waits for a turn, and what becomes of nodes when the service comes back otherwise', async (context) => {
  const configuration: Configuration = {
    conductor: { max_concurrent_deploy: 1, max_concurrent_clean: 1 },
    fake: { deploy_delay: 3600, vendor_delay: 3600 },
  };
  let [service, place] = await startService('crowded', configuration);
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => void (await service.kill()));
  const explains = async (uuid: string, said: Said): Promise<void> => await check(context, place, uuid, said);
  const again = async (changes: Configuration): Promise<void> => {
    await service.kill();
    [service, place] = await startService('crowded', merged(configuration, changes));
  };

  const deployed = await Promise.all(
    ['first', 'second', 'third'].map(async () => await aFakeNode(place, 'available')),
  );
  for (const uuid of deployed) await place.client.provision(uuid, 'active');
  const [atWork = '', next = '', last = ''] = deployed;
  const cleaned = await Promise.all(
    [0, 1].map(
      async () => await aFakeNode(place, 'manageable', { automated_clean: true, vendor_interface: 'fake' }),
    ),
  );
  for (const uuid of cleaned) await place.client.provision(uuid, 'provide');
  const rescued = await aFakeNode(place, 'manageable', { rescue_interface: 'agent' });
  const { uuid: withBmc } = await aMemoryMachine(place);

  await explains(atWork, { cause: 'step_running', says: /the step prepare, step 1 of/ });
  for (const [uuid, place_] of [
    [next, 1],
    [last, 2],
  ] as const)
    await explains(uuid, {
      cause: 'turn',
      says: new RegExp(`^1 node is at work.*max_concurrent_deploy.*place ${place_} of 2`),
      tells({ waits_for: wait, cancellable }) {
        assert.deepEqual([wait?.place, wait?.waiting, wait?.until, cancellable], [place_, 2, null, true]);
      },
    });
  await explains(cleaned[1] ?? '', { cause: 'turn', says: /max_concurrent_clean.*place 1 of 1/ });

  await again({ conductor: { conductor_group: 'rack-9' } });
  await explains(rescued, { cause: 'no_conductor_in_group', says: /nodes without a conductor group/ });
  await again({
    DEFAULT: { enabled_hardware_types: 'fake-hardware', enabled_rescue_interfaces: 'no-rescue,fake' },
  });
  await explains(withBmc, { cause: 'no_conductor_with_driver', says: /hardware type redfish/ });
  await explains(rescued, { cause: 'driver_not_usable', says: /rescue/ });
  await explains(atWork, {
    cause: 'step_again',
    says: /The step prepare runs for the (second|third) time: it was interrupted/,
    tells: ({ operation }) => assert.ok(Number(operation?.attempt) > 1),
  });
});

test('what becomes of nodes whose conductor dies', async (context) => {
  await using cluster = await openCluster(centre, {
    apis: 1,
    conductors: 1,
    configuration: {
      conductor: { heartbeat_timeout: 8 },
      fake: { deploy_delay: 3600 },
    },
  });
  const place = { client: new BareMetalClient(cluster.url) };
  const explains = async (uuid: string, said: Said): Promise<void> => await check(context, place, uuid, said);
  const atWork = await aFakeNode(place, 'available');
  const held = await aFakeNode(place, 'manageable');
  await place.client.provision(atWork, 'active');
  await place.client.provision(held, 'clean', { clean_steps: [{ interface: 'deploy', step: 'hold' }] });
  await explains(atWork, { cause: 'step_running', says: /the step prepare, step 1 of/ });
  await explains(held, { cause: 'hold', says: /unhold/ });

  const isOfTheDead = ({ holder }: Explanation): void =>
    assert.deepEqual([holder?.conductor, holder?.alive], ['conductor-1', false]);
  await cluster.conductors[0]?.kill();
  await explains(atWork, { cause: 'no_conductor_alive', says: /start one/, tells: isOfTheDead });
  await cluster.addConductor();
  // It takes nothing over before it has been there for as long as another may be silent.
  await Promise.all([
    explains(atWork, {
      cause: 'held_by_dead_conductor',
      says: /conductor-1.*last heard of.*conductor-2 takes the node over/,
      tells: isOfTheDead,
    }),
    explains(held, { cause: 'owner_is_dead', says: /conductor-1.*is gone; conductor-2 waits on/ }),
  ]);
  await explains(atWork, { cause: 'step_again', says: /second time/ });
  await explains(held, { cause: 'hold', says: /unhold/ });
});
