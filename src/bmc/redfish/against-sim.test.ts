// Every function of this folder against a simulated machine: what is set is what is read, and what the machine did.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock, systemRandom } from '#model/clock.ts';
import { startSim, type MachineView, type Sim } from '#sim/sim.ts';
import { openBootShelf, type BootShelf } from '#sim/testing/boot-image.ts';
import { powerBecomes } from '#sim/testing/bmc-client.ts';
import { BmcAuthFailed, BmcUnreachable, BmcUnsupported } from '../errors.ts';
import { readBios, resetBios, setBiosAttributes } from './bios.ts';
import {
  clearBootOverride,
  readBootOverride,
  readSecureBoot,
  resetSecureBootKeys,
  setBootMode,
  setBootOverride,
  setSecureBoot,
} from './boot.ts';
import { RedfishClient } from './client.ts';
import { readInventory } from './inventory.ts';
import { defaultRedfishOptions, type RedfishOptions, type RedfishTarget } from './options.ts';
import { injectNmi, readPowerState, reset } from './power.ts';
import { readSensors } from './sensors.ts';
import { findSystem, indicatorOf, readHealth, readSystem, setIndicator } from './system.ts';
import { ejectMedia, insertMedia, listVirtualMedia } from './virtual-media.ts';

const never = new AbortController().signal;
let sim: Sim;
let shelf: BootShelf;

before(async () => {
  sim = await startSim({ timeScale: 0.01 });
  shelf = await openBootShelf();
});
after(async () => {
  await sim.close();
  await shelf[Symbol.asyncDispose]();
});

interface Bench extends AsyncDisposable {
  machine: MachineView;
  client: RedfishClient;
  system: string;
}

function clientOf(
  { driver_info: info }: MachineView,
  target: Partial<RedfishTarget> = {},
  options: Partial<RedfishOptions> = {},
): RedfishClient {
  return new RedfishClient(
    {
      address: info.redfish_address,
      username: info.redfish_username,
      password: info.redfish_password,
      authType: 'auto',
      verifyCa: true,
      ...target,
    },
    { ...defaultRedfishOptions, connectionRetryIntervalSeconds: 0.01, ...options },
    { clock: systemClock, random: systemRandom },
  );
}

async function aBench(): Promise<Bench> {
  const machine = await sim.createMachine();
  const client = clientOf(machine);
  const system = await findSystem(client, null, never);
  return { machine, client, system, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

test('the only machine is found, and its identity, parts and sensors are read', async () => {
  await using bench = await aBench();
  const { client, system, machine } = bench;
  assert.equal(system, machine.driver_info.redfish_system_id);
  assert.equal(await findSystem(client, system.split('/').at(-1) ?? '', never), system);
  await assert.rejects(findSystem(client, 'another', never), BmcUnsupported);
  const inventory = await readInventory(client, system, never);
  assert.equal(inventory.system.uuid, machine.uuid);
  assert.equal(inventory.processors?.count, machine.properties.cpus);
  assert.equal(inventory.processors?.architecture, machine.properties.cpu_arch);
  assert.equal(inventory.memoryMib, machine.properties.memory_mb);
  assert.deepEqual(
    inventory.interfaces.map(({ macAddress }) => macAddress).toSorted(),
    machine.macs.toSorted(),
  );
  assert.ok(inventory.drives.length > 0 && inventory.drives.every(({ sizeBytes }) => (sizeBytes ?? 0) > 0));
  assert.equal(await readHealth(client, system, never), 'OK');
  const sensors = await readSensors(client, system, never);
  for (const group of ['Fan', 'Temperature', 'Power'])
    assert.ok(sensors.some((sensor) => sensor.group === group));
});

test('power goes on and off, and an action that changes nothing is no error', async () => {
  await using bench = await aBench();
  const { client, system, machine } = bench;
  assert.equal(await readPowerState(client, system, never), 'Off');
  await reset(client, system, 'On', never);
  await powerBecomes(sim, machine.uuid, 'On', never);
  assert.equal(await readPowerState(client, system, never), 'On');
  await reset(client, system, 'On', never);
  await injectNmi(client, system, never);
  await reset(client, system, 'ForceOff', never);
  await powerBecomes(sim, machine.uuid, 'Off', never);
  await reset(client, system, 'ForceOff', never);
  const log = JSON.stringify(sim.log(machine.uuid));
  for (const type of ['On', 'Nmi', 'ForceOff']) assert.ok(log.includes(`"${type}"`), `${type} in ${log}`);
});

test('the boot device, mode and secure boot are what was set', async () => {
  await using bench = await aBench();
  const { client, system } = bench;
  assert.equal(await setBootOverride(client, system, { target: 'Cd', persistence: 'Once' }, never), 'Once');
  assert.deepEqual(
    await readBootOverride(client, system, never).then(({ target, enabled }) => [target, enabled]),
    ['Cd', 'Once'],
  );
  assert.equal(
    await setBootOverride(client, system, { target: 'Hdd', persistence: 'Continuous' }, never),
    'Continuous',
  );
  assert.deepEqual(
    await readBootOverride(client, system, never).then(({ target, enabled }) => [target, enabled]),
    ['Hdd', 'Continuous'],
  );
  for (const _ of [1, 2]) await clearBootOverride(client, system, never);
  assert.equal((await readBootOverride(client, system, never)).enabled, 'Disabled');
  const { mode } = await readBootOverride(client, system, never);
  assert.ok(mode !== null);
  await setBootMode(client, system, mode, never);
  const secureBoot = await readSecureBoot(client, system, never);
  assert.ok(secureBoot !== null);
  await setSecureBoot(client, system, secureBoot.enabled ?? false, never);
  await resetSecureBootKeys(client, system, 'ResetAllKeysToDefault', never);
});

test('an image is inserted, replaced and ejected, however often', async () => {
  await using bench = await aBench();
  const { client, system } = bench;
  const [first, second] = [await shelf.put('first.iso', 'a=1'), await shelf.put('second.iso', 'a=2')];
  for (const image of [first, first, second]) {
    const slot = await insertMedia(client, system, { kind: 'CD', image }, never);
    assert.deepEqual([slot.isInserted, slot.image], [true, image]);
  }
  await ejectMedia(client, system, null, never);
  await ejectMedia(client, system, 'CD', never);
  assert.ok((await listVirtualMedia(client, system, never)).every(({ isInserted }) => !isInserted));
});

test('BIOS settings wait for the next start, and setting what is set is nothing', async () => {
  await using bench = await aBench();
  const { client, system } = bench;
  const { attributes } = await readBios(client, system, never);
  assert.equal(
    await setBiosAttributes(client, system, { BootDelaySeconds: attributes['BootDelaySeconds'] ?? 0 }, never),
    'unchanged',
  );
  assert.equal(await setBiosAttributes(client, system, { BootDelaySeconds: 7 }, never), 'pending');
  assert.equal(await setBiosAttributes(client, system, { BootDelaySeconds: 7 }, never), 'pending');
  assert.equal((await readBios(client, system, never)).pending?.['BootDelaySeconds'], 7);
  await resetBios(client, system, never);
});

test('the indicator light is set', async () => {
  await using bench = await aBench();
  const { client, system } = bench;
  for (const indicator of ['Lit', 'Blinking', 'Off'] as const) {
    await setIndicator(client, system, indicator, never);
    assert.equal(indicatorOf(await readSystem(client, system, never)), indicator);
  }
});

test('faults of the BMC that pass are got over, and those that stay are told apart', async () => {
  await using bench = await aBench();
  const { client, system, machine } = bench;
  for (const kind of ['reset', 'stale-session'] as const) {
    sim.setFault(machine.uuid, { kind, count: 1 });
    assert.equal(await readPowerState(client, system, never), 'Off');
  }
  sim.setFault(machine.uuid, { kind: 'status', status: 503, count: 2 });
  assert.equal(await readPowerState(client, system, never), 'Off');
  sim.setFault(machine.uuid, { kind: 'unauthorized' });
  await assert.rejects(readPowerState(client, system, never), BmcAuthFailed);
  sim.clearFault(machine.uuid);
  await assert.rejects(
    readPowerState(clientOf(machine, { password: 'wrong' }), system, never),
    BmcAuthFailed,
  );
});

test('a certificate that nobody vouches for is refused unless that is allowed', async () => {
  await using sim = await startSim({ machines: 1, tls: 'self-signed' });
  const [machine] = sim.list();
  assert.ok(machine !== undefined);
  await using strict = clientOf(machine);
  await assert.rejects(findSystem(strict, null, never), (error) => {
    assert.ok(error instanceof BmcUnreachable);
    assert.match(error.message, /redfish_verify_ca/);
    return true;
  });
  await using trusting = clientOf(machine, { verifyCa: false });
  assert.equal(await findSystem(trusting, null, never), machine.driver_info.redfish_system_id);
});
