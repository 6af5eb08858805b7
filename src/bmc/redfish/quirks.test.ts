// What services of this and that maker do, and the simulator does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BmcProtocolError, BmcTimeout, BmcUnsupported } from '../errors.ts';
import { setBootOverride } from './boot.ts';
import { readInventory } from './inventory.ts';
import { reset } from './power.ts';
import { readSensors } from './sensors.ts';
import { findSystem } from './system.ts';
import { ejectMedia, insertMedia } from './virtual-media.ts';
import {
  aBmc,
  aClient,
  aClock,
  anError,
  never,
  type Script,
  type ScriptedBmc,
} from './testing/scripted-bmc.ts';

const system = '/redfish/v1/Systems/1';
const resetPath = `${system}/Actions/ComputerSystem.Reset`;
const powerOf = (state: string, allowed?: string[]) => ({
  PowerState: state,
  Actions: {
    '#ComputerSystem.Reset': {
      target: resetPath,
      ...(allowed === undefined ? {} : { 'ResetType@Redfish.AllowableValues': allowed }),
    },
  },
});

function bodies(bmc: ScriptedBmc, key: string): unknown[] {
  return bmc.asked.filter(({ method, path }) => `${method} ${path}` === key).map(({ body }) => body);
}

test('of several machines none is chosen, and pages of them are followed only so far', async () => {
  const link = (path: string) => ({ '@odata.id': path });
  await using bmc = await aBmc({
    '/redfish/v1/Systems': {
      Members: [link('/a/1')],
      'Members@odata.nextLink': '/redfish/v1/Systems?page=2',
    },
    '/redfish/v1/Systems?page=2': { Members: [link('/a/2')] },
  });
  await using client = aClient(bmc);
  await assert.rejects(
    findSystem(client, null, never),
    (error) => error instanceof BmcUnsupported && /2 machines/.test(error.message),
  );
  assert.equal(await findSystem(client, '2', never), '/a/2');
  bmc.scripts.set('GET /redfish/v1/Systems?page=2', {
    json: { Members: [], 'Members@odata.nextLink': '/redfish/v1/Systems?page=2' },
  });
  await assert.rejects(findSystem(client, null, never), BmcProtocolError);
});

test('what no real machine has is refused, or is nothing', async () => {
  const link = (path: string) => ({ '@odata.id': path });
  await using bmc = await aBmc({
    '/redfish/v1/Systems': { Members: Array.from({ length: 400_000 }, () => link('/a')) },
    [system]: { Processors: link('/p'), Storage: link('/s') },
    '/p': { Members: [link('/p/1')] },
    '/p/1': { InstructionSet: 'constructor', TotalThreads: 2 },
    '/s': { Members: [link('/s/1')] },
    '/s/1': { Drives: [link('/d/1')] },
    '/d/1': { Name: 'one' },
  });
  await using client = aClient(bmc);
  await assert.rejects(findSystem(client, null, never), BmcProtocolError);
  const { processors, drives } = await readInventory(client, system, never);
  assert.deepEqual([processors?.architecture, drives.length], [null, 1]);
  const Drives = Array.from({ length: 2000 }, (_, at) => link(`/d/${at}`));
  bmc.scripts.set('GET /s/1', { json: { Drives } });
  await assert.rejects(readInventory(client, system, never), BmcProtocolError);
});

test('a power action that is not offered is replaced by its like, or refused by name', async () => {
  await using bmc = await aBmc({ [system]: powerOf('Off', ['ForceOn', 'ForceOff']) });
  bmc.scripts.set(`POST ${resetPath}`, { status: 204 });
  await using client = aClient(bmc);
  await reset(client, system, 'On', never);
  assert.deepEqual(bodies(bmc, `POST ${resetPath}`), [{ ResetType: 'ForceOn' }]);
  await assert.rejects(reset(client, system, 'GracefulRestart', never), BmcUnsupported);
});

test('the offered power actions may stand in a resource of their own', async () => {
  const action = { target: resetPath, '@Redfish.ActionInfo': '/info' };
  await using bmc = await aBmc({
    [system]: { Actions: { '#ComputerSystem.Reset': action } },
    '/info': { Parameters: [{ Name: 'ResetType', AllowableValues: ['On'] }] },
  });
  await using client = aClient(bmc);
  await assert.rejects(reset(client, system, 'Nmi', never), BmcUnsupported);
});

test('a power-on refused right after a power-off is asked for again, other refusals are not', async () => {
  await using bmc = await aBmc({ [system]: powerOf('Off') });
  const conflict = { status: 409, ...anError('Base.1.5.ActionParameterValueConflict', 'busy') };
  const answers: Script[] = [conflict, conflict, { status: 204 }];
  bmc.scripts.set(`POST ${resetPath}`, (asked, response) => {
    const next = answers.shift() ?? conflict;
    return typeof next === 'function' ? next(asked, response) : next;
  });
  const clock = aClock();
  await using client = aClient(bmc, { clock });
  await reset(client, system, 'On', never);
  assert.deepEqual(clock.slept, [10_000, 10_000]);
  await assert.rejects(reset(client, system, 'ForceRestart', never), { status: 409 });
  bmc.scripts.set(`GET ${system}`, { json: powerOf('On') });
  await reset(client, system, 'On', never);
});

const boot = (state: object, more: object = {}) => ({
  Boot: {
    BootSourceOverrideEnabled: 'Disabled',
    BootSourceOverrideTarget: 'None',
    BootSourceOverrideMode: 'UEFI',
    ...state,
  },
  ...more,
});

test('only what changes is sent to set a boot device, except to makers who need more', async () => {
  await using bmc = await aBmc();
  bmc.scripts.set(`PATCH ${system}`, { status: 204 });
  await using client = aClient(bmc);
  const once = { target: 'Cd', persistence: 'Once', mode: 'UEFI' } as const;
  const sent = async (resource: object): Promise<unknown> => {
    bmc.scripts.set(`GET ${system}`, { json: resource });
    await setBootOverride(client, system, once, never);
    return bodies(bmc, `PATCH ${system}`).at(-1);
  };
  const [target, enabled, mode] = [
    { BootSourceOverrideTarget: 'Cd' },
    { BootSourceOverrideEnabled: 'Once' },
    { BootSourceOverrideMode: 'UEFI' },
  ];
  const isOnce = { BootSourceOverrideEnabled: 'Once' };
  assert.deepEqual(await sent(boot({})), { Boot: { ...target, ...enabled } });
  assert.deepEqual(await sent(boot(isOnce)), { Boot: target });
  assert.deepEqual(await sent(boot({ BootSourceOverrideMode: 'Legacy' })), {
    Boot: { ...target, ...enabled, ...mode },
  });
  assert.deepEqual(await sent(boot(isOnce, { Manufacturer: 'Supermicro' })), {
    Boot: { ...target, ...enabled },
  });
  assert.deepEqual(await sent(boot(isOnce, { Manufacturer: 'AMI' })), {
    Boot: { ...target, ...enabled, ...mode },
  });
  const usb = { 'BootSourceOverrideTarget@Redfish.AllowableValues': ['Cd', 'UsbCd'] };
  assert.deepEqual(await sent(boot({ ...isOnce, ...usb }, { Manufacturer: 'Supermicro' })), {
    Boot: { BootSourceOverrideTarget: 'UsbCd', ...enabled },
  });
  bmc.scripts.set(`GET ${system}`, {
    json: boot({ 'BootSourceOverrideTarget@Redfish.AllowableValues': ['Pxe'] }),
  });
  await assert.rejects(setBootOverride(client, system, once, never), BmcUnsupported);
});

test('a lasting boot device that is refused becomes one for the next boot, and POST is waited out', async () => {
  await using bmc = await aBmc({ [system]: boot({}) });
  let refusals = 2;
  bmc.scripts.set(`PATCH ${system}`, ({ body }) => {
    if (JSON.stringify(body).includes('Continuous')) return { status: 400 };
    refusals -= 1;
    return refusals < 0
      ? { status: 200 }
      : { status: 400, ...anError('iLO.2.14.UnableToModifyDuringSystemPOST', 'POST') };
  });
  const clock = aClock();
  await using client = aClient(bmc, { clock });
  assert.equal(
    await setBootOverride(client, system, { target: 'Hdd', persistence: 'Continuous' }, never),
    'Once',
  );
  assert.deepEqual(clock.slept, [5000, 10_000]);
});

test('boot properties that stand in the settings resource only are written there', async () => {
  await using bmc = await aBmc({
    [system]: { Boot: {}, '@Redfish.Settings': { SettingsObject: { '@odata.id': '/settings' } } },
    '/settings': boot({}),
  });
  bmc.scripts.set('PATCH /settings', { status: 204 });
  await using client = aClient(bmc);
  await setBootOverride(client, system, { target: 'Pxe', persistence: 'Once' }, never);
  assert.equal(bodies(bmc, 'PATCH /settings').length, 1);
});

/** Slots of one machine, each a script for its InsertMedia, or null if it has none. */
async function aBmcWithSlots(
  slots: Record<string, Script | null>,
  more: Record<string, unknown> = {},
): Promise<ScriptedBmc> {
  const paths = Object.keys(slots).map((name) => ({ '@odata.id': `/vm/${name}` }));
  const bmc = await aBmc({ [system]: { VirtualMedia: { '@odata.id': '/vm' } }, '/vm': { Members: paths } });
  for (const [name, script] of Object.entries(slots)) {
    const action = (verb: string) => ({ [`#VirtualMedia.${verb}Media`]: { target: `/vm/${name}/${verb}` } });
    const actions = { ...(script === null ? {} : action('Insert')), ...action('Eject') };
    bmc.scripts.set(`GET /vm/${name}`, {
      json: { MediaTypes: ['CD', 'DVD'], Inserted: false, Actions: actions, ...more },
    });
    if (script !== null) bmc.scripts.set(`POST /vm/${name}/Insert`, script);
  }
  return bmc;
}

const image = 'https://10.0.0.1/boot.iso';

test('a slot that refuses is passed over for the next; the last refusal is told', async () => {
  await using bmc = await aBmcWithSlots({ a: { status: 405 }, b: { status: 400 }, c: { status: 204 } });
  await using client = aClient(bmc);
  assert.equal((await insertMedia(client, system, { kind: 'CD', image }, never)).path, '/vm/c');
  bmc.scripts.set('POST /vm/c/Insert', { status: 400, ...anError('Base.1.0.X', 'no room') });
  await assert.rejects(insertMedia(client, system, { kind: 'CD', image }, never), /no room/);
  await assert.rejects(insertMedia(client, system, { kind: 'Floppy', image }, never), BmcUnsupported);
});

test('parameters that a service misses are added, credentials as none', async () => {
  const missing = (name: string) => ({
    status: 400,
    ...anError('Base.1.8.ActionParameterMissing', `The parameter ${name} is missing`),
  });
  await using bmc = await aBmcWithSlots({
    a: ({ body }) =>
      JSON.stringify(body).includes('TransferProtocolType')
        ? { status: 204 }
        : missing('TransferProtocolType'),
    b: ({ body }) => (JSON.stringify(body).includes('UserName') ? { status: 204 } : missing('UserName')),
  });
  await using client = aClient(bmc);
  await insertMedia(client, system, { kind: 'CD', image }, never);
  const standard = { Image: image, Inserted: true, WriteProtected: true };
  assert.deepEqual(bodies(bmc, 'POST /vm/a/Insert').at(-1), { ...standard, TransferProtocolType: 'HTTPS' });
  bmc.scripts.set('POST /vm/a/Insert', { status: 405 });
  await insertMedia(client, system, { kind: 'CD', image }, never);
  assert.deepEqual(bodies(bmc, 'POST /vm/b/Insert').at(-1), {
    ...standard,
    UserName: 'none',
    Password: 'none',
  });
});

test('a 5xx during insertion is looked into before the insertion is repeated', async () => {
  await using bmc = await aBmcWithSlots({ a: { status: 500 } });
  const clock = aClock();
  await using client = aClient(bmc, { clock });
  await assert.rejects(insertMedia(client, system, { kind: 'CD', image }, never), { status: 500 });
  assert.equal(bodies(bmc, 'POST /vm/a/Insert').length, 4);
  bmc.scripts.set('POST /vm/a/Insert', () => {
    const action = { '#VirtualMedia.InsertMedia': { target: '/vm/a/Insert' } };
    bmc.scripts.set('GET /vm/a', {
      json: { MediaTypes: ['CD'], Inserted: true, Image: image, Actions: action },
    });
    return { status: 500 };
  });
  await insertMedia(client, system, { kind: 'CD', image }, never);
  assert.equal(bodies(bmc, 'POST /vm/a/Insert').length, 5);
});

test('where the image is does not get into messages, whatever the service repeats', async () => {
  const secretImage = 'https://192.0.2.1:6385/boot/0123456789abcdef/boot.iso';
  const repeated = `cannot mount '${secretImage}' (192.0.2.1:6385 /boot/0123456789abcdef/boot.iso)`;
  await using bmc = await aBmcWithSlots({ a: { status: 500, ...anError('Oem.1.0.Failed', repeated) } });
  await using client = aClient(bmc, { clock: aClock() });
  const failure = insertMedia(client, system, { kind: 'CD', image: secretImage }, never);
  await assert.rejects(failure, (error) => {
    assert.ok(error instanceof BmcProtocolError);
    assert.match(error.message, /cannot mount '\*{6}' \(192\.0\.2\.1:6385 \*{6}\)/);
    return true;
  });
});

test('a slot without actions is written to, and an eject without a body is repeated with one', async () => {
  await using bmc = await aBmcWithSlots({ a: null }, { Inserted: true, Image: 'old' });
  bmc.scripts.set('PATCH /vm/a', { status: 200 });
  bmc.scripts.set('POST /vm/a/Eject', ({ body }) => ({ status: body === undefined ? 415 : 204 }));
  await using client = aClient(bmc);
  await insertMedia(client, system, { kind: 'CD', image }, never);
  assert.deepEqual(bodies(bmc, 'POST /vm/a/Eject'), [undefined, {}]);
  assert.deepEqual(bodies(bmc, 'PATCH /vm/a'), [{ Image: image, Inserted: true }]);
  await ejectMedia(client, system, 'Floppy', never);
  assert.equal(bodies(bmc, 'POST /vm/a/Eject').length, 2);
});

test('an insertion that goes on as a task is followed to its end, good or bad, but not for ever', async () => {
  const accepted = { status: 202, headers: { location: 'http://10.9.9.9/tasks/1' } };
  await using bmc = await aBmcWithSlots({ a: accepted });
  const states = ['New', 'Running'];
  bmc.scripts.set('GET /tasks/1', () => {
    const state = states.shift();
    return state === undefined ? { status: 204 } : { status: 202, json: { TaskState: state } };
  });
  const clock = aClock();
  await using client = aClient(bmc, { clock });
  await insertMedia(client, system, { kind: 'CD', image }, never);
  assert.deepEqual(clock.slept, [2000, 2000]);
  const failed = {
    TaskState: 'Exception',
    TaskStatus: 'Critical',
    Messages: [{ Message: 'server not found' }],
  };
  bmc.scripts.set('GET /tasks/1', { json: failed });
  await assert.rejects(
    insertMedia(client, system, { kind: 'CD', image }, never),
    /Exception, Critical: server not found/,
  );
  bmc.scripts.set('GET /tasks/1', () => clock.expire());
  await assert.rejects(insertMedia(client, system, { kind: 'CD', image }, never), BmcTimeout);
});

test('a machine that tells nothing has an empty inventory, and nonsense in one part hurts no other', async () => {
  await using bmc = await aBmc({ [system]: {} });
  await using client = aClient(bmc);
  const { system: identity, ...parts } = await readInventory(client, system, never);
  assert.ok(Object.values(identity).every((value) => value === null));
  assert.deepEqual(parts, { bootMode: null, processors: null, memoryMib: null, drives: [], interfaces: [] });
  assert.deepEqual(await readSensors(client, system, never), []);
  const link = (path: string) => ({ '@odata.id': path });
  bmc.scripts.set(`GET ${system}`, {
    json: {
      Processors: 5,
      Storage: link('/gone'),
      EthernetInterfaces: link('/nics'),
      MemorySummary: { TotalSystemMemoryGiB: '8' },
      Boot: [],
    },
  });
  bmc.scripts.set('GET /nics', {
    json: { Members: [link('/nic1'), link('/nic2'), link('/nic3'), {}, null] },
  });
  bmc.scripts.set('GET /nic1', {
    json: { Id: 'n1', MACAddress: 'AA-BB-CC-00-11-22', Status: { State: 'Enabled' } },
  });
  bmc.scripts.set('GET /nic2', { json: { MACAddress: 'none' } });
  const { interfaces, ...others } = await readInventory(client, system, never);
  assert.deepEqual(interfaces, [
    { id: 'n1', macAddress: 'aa:bb:cc:00:11:22', speedMbps: null, isEnabled: true },
  ]);
  assert.deepEqual([others.processors, others.memoryMib, others.drives], [null, null, []]);
});
