// What goes wrong with images, agents, BMCs and disks ends in `deploy failed` with words to act on, a free node, and a
// second try that works when the cause is gone.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { MachineSpec } from '#sim/sim.ts';
import { BareMetalClient } from '../support/bare-metal-client.ts';
import {
  createMachine,
  type DataCentre,
  enrol,
  makeAvailable,
  openDataCentre,
  tinyDisk,
} from '../support/data-centre.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { holdsImage } from '../support/tiny-image.ts';

let centre: DataCentre;
let service: ServiceProcess;
let client: BareMetalClient;

before(async () => {
  centre = await openDataCentre();
  const { configuration } = centre;
  service = await ServiceProcess.start({
    folder: centre.folder,
    configuration: {
      ...configuration,
      conductor: { ...configuration['conductor'], deploy_callback_timeout: 6, power_state_change_timeout: 3 },
      agent: { ...configuration['agent'], command_timeout: 1, max_command_attempts: 1 },
      redfish: {
        ...configuration['redfish'],
        connect_timeout: 1,
        read_timeout: 1,
        connection_attempts: 2,
        connection_retry_interval: 0.1,
        post_boot_retry_attempts: 2,
        post_boot_retry_delay: 0.1,
      },
      ingot: { ...configuration['ingot'], bmc_breaker_pause: 1 },
    },
  });
  client = new BareMetalClient(service.url);
});

after(async () => {
  await service[Symbol.asyncDispose]();
  await centre[Symbol.asyncDispose]();
});

interface Trial {
  uuid: string;
  machine: string;
  disk: string;
}

interface Case {
  /** Besides one that is fine. */
  machine?: MachineSpec;
  node?: Record<string, unknown>;
  /** Makes it go wrong, before or while the deployment runs. */
  cause(trial: Trial): Promise<void> | void;
  /** The essential words of the message. */
  says: readonly RegExp[];
  /** Takes the cause away. */
  mend(trial: Trial): Promise<void> | void;
}

const imagePath = '/disk.img';

const cases: Record<string, Case> = {
  'a wrong checksum': {
    cause: async ({ uuid }) => await client.patch(uuid, { 'instance_info/image_checksum': 'a'.repeat(64) }),
    says: [/disk\.img failed its sha256 check/, /a{64}/],
    mend: async ({ uuid }) =>
      await client.patch(uuid, { 'instance_info/image_checksum': centre.image.sha256 }),
  },
  'an image server that drops every connection': {
    cause: () => centre.images.setFault(imagePath, { kind: 'drop', after_bytes: 1_000_000 }),
    says: [/disk\.img/],
    mend: () => centre.images.clearFault(imagePath),
  },
  'an image that is not there': {
    cause: () => centre.images.setFault(imagePath, { kind: 'status', status: 404 }),
    says: [/disk\.img/, /404/],
    mend: () => centre.images.clearFault(imagePath),
  },
  'an agent that is killed while it writes': {
    cause: ({ machine }) =>
      centre.sim.setFault(machine, { kind: 'agent-death', after_bytes: 2_000_000, count: 1 }),
    says: [/agent/i],
    mend: ({ machine }) => centre.sim.clearFault(machine),
  },
  'a machine on which nothing ever starts': {
    cause: ({ machine }) => centre.sim.setFault(machine, { kind: 'boot-never' }),
    says: [/nothing was heard of the agent/, /console/],
    mend: ({ machine }) => centre.sim.clearFault(machine),
  },
  'a BMC that hangs': {
    cause: ({ machine }) => centre.sim.setFault(machine, { kind: 'hang' }),
    says: [/BMC|Redfish|redfish/, /answer|time/i],
    mend: ({ machine }) => centre.sim.clearFault(machine),
  },
  'power that does not change': {
    cause: ({ machine }) => centre.sim.setFault(machine, { kind: 'power-stuck' }),
    says: [/power/i],
    mend: ({ machine }) => centre.sim.clearFault(machine),
  },
  'a BMC that takes the password no more': {
    cause: ({ machine }) => centre.sim.setFault(machine, { kind: 'unauthorized' }),
    says: [/password|credentials|401|signed? in/i],
    mend: ({ machine }) => centre.sim.clearFault(machine),
  },
  'a disk that is too small': {
    machine: { disks: [{ sizeBytes: 4 * 1024 ** 2 }, tinyDisk] },
    cause: () => {},
    says: [/\/dev\/sda/, /4194304|small/, /8388608|image/],
    mend: async ({ uuid }) => await client.patch(uuid, { 'properties/root_device': { name: '/dev/sdb' } }),
  },
  'no disk that the hints name': {
    cause: async ({ uuid }) =>
      await client.patch(uuid, { 'properties/root_device': { serial: 'NOT-THERE' } }),
    says: [/NOT-THERE/, /\/dev\/sda/],
    mend: async ({ uuid }) => await client.patch(uuid, { 'properties/root_device': { name: '/dev/sda' } }),
  },
};

async function prepare(spec: Case): Promise<Trial> {
  const machine = await createMachine(centre.sim, spec.machine ?? {});
  const uuid = await enrol(client, machine, centre, { automated_clean: false, ...spec.node });
  await makeAvailable(client, uuid);
  return { uuid, machine: machine.name, disk: machine.disks.at(-1)?.file ?? '' };
}

describe('a deployment fails with words to act on, and works when the cause is gone:', () => {
  for (const [what, spec] of Object.entries(cases))
    test(what, async (context) => {
      const trial = await prepare(spec);
      await spec.cause(trial);
      await client.provision(trial.uuid, 'active');
      const failed = await client.until(
        trial.uuid,
        ({ provision_state: state, reservation }) =>
          reservation === null && (state === 'deploy failed' || state === 'active'),
      );
      assert.equal(failed.provision_state, 'deploy failed');
      assert.equal(failed.target_provision_state, 'active');
      const error = failed.last_error ?? '';
      context.diagnostic(error);
      for (const words of spec.says) assert.match(error, words);
      assert.doesNotMatch(error, /\n\s+at |undefined|\[object/, 'words, not a stack');
      assert.ok(error.length < 1000, error);

      await spec.mend(trial);
      await client.provision(trial.uuid, 'active');
      await client.untilState(trial.uuid, 'active');
      assert.ok(await holdsImage(trial.disk, centre.image));
      await centre.sim.deleteMachine(trial.machine);
    });
});
