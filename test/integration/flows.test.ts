// What the demo does not show: an agent that stays from flow to flow, a rescue, a service that an operator holds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { MachineView } from '#sim/sim.ts';
import { BareMetalClient } from '../support/bare-metal-client.ts';
import {
  createMachine,
  type DataCentre,
  enrol,
  makeAvailable,
  openDataCentre,
} from '../support/data-centre.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { holdsImage } from '../support/tiny-image.ts';
import { until } from '../support/until.ts';

let centre: DataCentre;
let service: ServiceProcess;
let client: BareMetalClient;

before(async () => {
  centre = await openDataCentre();
  const configuration = {
    ...centre.configuration,
    DEFAULT: {
      enabled_bios_interfaces: 'redfish,no-bios',
      enabled_inspect_interfaces: 'agent,redfish',
      enabled_rescue_interfaces: 'agent,no-rescue',
    },
  };
  service = await ServiceProcess.start({ folder: centre.folder, configuration });
  client = new BareMetalClient(service.url);
});

after(async () => {
  await service[Symbol.asyncDispose]();
  await centre[Symbol.asyncDispose]();
});

/** What the machine booted since that place in its log, in order. */
function boots({ name }: MachineView, since: number): string[] {
  return centre.sim
    .log(name)
    .flatMap((entry) => (entry.kind === 'boot' && entry.sequence > since ? [entry.outcome] : []));
}

/** It comes to its disk a moment after its node is active. */
async function hasBooted(machine: MachineView, since: number, expected: string[]): Promise<void> {
  const seen = await until(
    () => boots(machine, since),
    (list) => list.length >= expected.length,
  );
  assert.deepEqual(seen, expected);
}

const lastEntry = ({ name }: MachineView): number => centre.sim.log(name).at(-1)?.sequence ?? 0;

async function deployed(more: Record<string, unknown>): Promise<{ machine: MachineView; uuid: string }> {
  const machine = await createMachine(centre.sim);
  const uuid = await enrol(client, machine, centre, { automated_clean: false, ...more });
  await makeAvailable(client, uuid);
  await client.provision(uuid, 'active');
  await client.untilState(uuid, 'active');
  await hasBooted(machine, 0, ['agent', 'os']);
  return { machine, uuid };
}

test('with fast track one boot of the agent is enough for inspection, cleaning and deployment', async () => {
  const machine = await createMachine(centre.sim);
  const uuid = await enrol(client, machine, centre, { inspect_interface: 'agent' });
  await client.patch(uuid, { 'driver_info/fast_track': true });
  await client.provision(uuid, 'manage');
  await client.untilState(uuid, 'manageable');
  await client.provision(uuid, 'inspect');
  await client.untilState(uuid, 'manageable');
  await client.provision(uuid, 'provide');
  await client.untilState(uuid, 'available');
  await client.provision(uuid, 'active');
  await client.untilState(uuid, 'active');
  await hasBooted(machine, 0, ['agent', 'os']);
  assert.ok(await holdsImage(machine.disks[0]?.file ?? '', centre.image));
});

test('a rescue boots the agent over the instance, and its end the instance again', async () => {
  const { machine, uuid } = await deployed({ rescue_interface: 'agent' });
  const begin = lastEntry(machine);
  await client.provision(uuid, 'rescue', { rescue_password: 'secret of the test' });
  await client.untilState(uuid, 'rescue');
  await hasBooted(machine, begin, ['agent']);
  await client.provision(uuid, 'unrescue');
  await client.untilState(uuid, 'active');
  await hasBooted(machine, begin, ['agent', 'os']);
  assert.ok(await holdsImage(machine.disks[0]?.file ?? '', centre.image));
});

test('a service sets the BIOS, waits for its operator, and boots the instance again', async () => {
  const { machine, uuid } = await deployed({ bios_interface: 'redfish' });
  const begin = lastEntry(machine);
  const settings = [{ name: 'ProcHyperthreading', value: 'Disabled' }];
  await client.provision(uuid, 'service', {
    service_steps: [
      { interface: 'bios', step: 'apply_configuration', args: { settings } },
      { interface: 'deploy', step: 'hold' },
    ],
  });
  await client.untilState(uuid, 'service hold');
  // To the agent, and once more for the BIOS to take the settings over.
  await hasBooted(machine, begin, ['agent', 'agent']);
  await client.provision(uuid, 'unhold');
  await client.untilState(uuid, 'active');
  await hasBooted(machine, begin, ['agent', 'agent', 'os']);
  const patches = centre.sim
    .log(machine.name)
    .filter(({ kind, ...entry }) => kind === 'request' && JSON.stringify(entry).includes('Bios/Settings'));
  assert.equal(patches.length, 1);
});

test('an abort of a service that is held boots the instance again', async () => {
  const { machine, uuid } = await deployed({ bios_interface: 'redfish' });
  const begin = lastEntry(machine);
  await client.provision(uuid, 'service', {
    service_steps: [
      { interface: 'bios', step: 'factory_reset' },
      { interface: 'deploy', step: 'hold' },
      { interface: 'bios', step: 'factory_reset' },
    ],
  });
  await client.untilState(uuid, 'service hold');
  await client.provision(uuid, 'abort');
  await client.until(uuid, ({ provision_state, reservation, power_state }) => {
    return provision_state === 'active' && reservation === null && power_state === 'power on';
  });
  await hasBooted(machine, begin, ['agent', 'agent', 'os']);
});
