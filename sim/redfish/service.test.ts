import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startSim, type MachineView, type Sim } from '../sim.ts';
import { bmcClient, powerBecomes, type BmcClient } from '../testing/bmc-client.ts';

describe('an emulated BMC', () => {
  let sim: Sim;
  let machine: MachineView;
  let bmc: BmcClient;
  let system: string;

  before(async () => {
    sim = await startSim({ timeScale: 0.02, tellsTransitions: true });
  });
  after(() => sim.close());
  const fresh = async (): Promise<void> => {
    machine = await sim.createMachine();
    bmc = bmcClient(machine);
    system = machine.driver_info.redfish_system_id;
  };

  it('lets a session in by its token until it is deleted', async () => {
    await fresh();
    const credentials = { UserName: 'admin', Password: 'password' };
    const opened = await bmc.ask('POST', '/redfish/v1/SessionService/Sessions', {
      body: credentials,
      anonymous: true,
    });
    assert.equal(opened.status, 201);
    const headers = { 'X-Auth-Token': opened.headers.get('x-auth-token') ?? '' };
    const location = opened.headers.get('location') ?? '';
    assert.equal((await bmc.ask('GET', system, { headers, anonymous: true })).status, 200);
    assert.equal((await bmc.ask('DELETE', location, { headers, anonymous: true })).status, 204);
    assert.equal((await bmc.ask('GET', system, { headers, anonymous: true })).status, 401);
  });

  it('refuses a wrong password and a request without one, and tells how to come in', async () => {
    await fresh();
    const wrong = await bmc.ask('POST', '/redfish/v1/SessionService/Sessions', {
      body: { UserName: 'admin', Password: 'nope' },
      anonymous: true,
    });
    assert.equal(wrong.status, 401);
    const anonymous = await bmc.ask('GET', system, { anonymous: true });
    assert.equal(anonymous.status, 401);
    assert.match(anonymous.headers.get('www-authenticate') ?? '', /^Basic/);
    assert.match(anonymous.body.error['@Message.ExtendedInfo'][0].MessageId, /NoValidSession$/);
    assert.equal((await bmc.ask('GET', '/redfish/v1/', { anonymous: true })).status, 200);
    assert.equal((await bmc.ask('GET', '/redfish', { anonymous: true })).body.v1, '/redfish/v1/');
  });

  it('ends a session that is not used', async () => {
    await using sim = await startSim({ machines: 1, sessionLimits: { timeoutSeconds: 0 } });
    const [machine] = sim.list();
    assert.ok(machine);
    const bmc = bmcClient(machine);
    const opened = await bmc.ask('POST', '/redfish/v1/SessionService/Sessions', {
      body: { UserName: 'admin', Password: 'password' },
      anonymous: true,
    });
    const headers = { 'X-Auth-Token': opened.headers.get('x-auth-token') ?? '' };
    const late = await bmc.ask('GET', machine.driver_info.redfish_system_id, { headers, anonymous: true });
    assert.equal(late.status, 401);
  });

  it('every resource that another one names is there, and says its own name', async () => {
    await fresh();
    const seen = new Set<string>();
    const ahead = ['/redfish/v1/'];
    for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const { status, body } = await bmc.ask('GET', path);
      assert.equal(status, 200, path);
      assert.equal(body['@odata.id'], path);
      ahead.push(...linksIn(body).filter((link) => !link.includes('#') && !seen.has(link)));
    }
    for (const part of ['Bios/Settings', 'Storage/1/Drives/0', 'EthernetInterfaces/NIC1', 'SecureBoot'])
      assert.ok(seen.has(`${system}/${part}`), part);
  });

  it('describes its machine', async () => {
    await fresh();
    const { body } = await bmc.system();
    assert.equal(body.UUID, machine.uuid);
    assert.equal(body.PowerState, 'Off');
    assert.equal(body.MemorySummary.TotalSystemMemoryGiB, 8);
    assert.ok(
      body.Actions['#ComputerSystem.Reset']['ResetType@Redfish.AllowableValues'].includes('ForceOff'),
    );
    const nic = await bmc.system('/EthernetInterfaces/NIC0');
    assert.equal(nic.body.MACAddress, machine.macs[0]);
    const drive = await bmc.system('/Storage/1/Drives/0');
    assert.equal(drive.body.CapacityBytes, 8 * 1024 ** 3);
  });

  it('goes through the power states, and says so when nothing was to be done', async (t) => {
    await fresh();
    const { uuid } = machine;
    assert.equal((await bmc.reset('On')).status, 204);
    assert.equal((await bmc.system()).body.PowerState, 'PoweringOn');
    await sim.waitFor(uuid, (entry) => entry.kind === 'boot', t.signal);
    assert.equal((await bmc.system()).body.PowerState, 'On');
    assert.equal((await bmc.reset('On')).status, 204);
    assert.equal((await bmc.reset('GracefulShutdown')).status, 204);
    await powerBecomes(sim, uuid, 'Off', t.signal);
    assert.equal((await bmc.reset('ForceOff')).status, 204);
    assert.equal((await bmc.reset('ForceRestart')).status, 409);
    assert.equal((await bmc.reset('Sideways')).status, 400);
    const actions = sim.log(uuid).filter((entry) => entry.kind === 'action');
    assert.deepEqual(
      actions.map((entry) => [entry.detail['ResetType'], entry.result]),
      [
        ['On', 'done'],
        ['On', 'no-change'],
        ['GracefulShutdown', 'done'],
        ['ForceOff', 'no-change'],
        ['ForceRestart', 'refused'],
      ],
    );
  });

  it('cycles power and restarts, each ending in a boot', async (t) => {
    await fresh();
    const { uuid } = machine;
    for (const type of ['On', 'PowerCycle', 'ForceRestart', 'GracefulRestart']) {
      const before = sim.log(uuid).at(-1)?.sequence ?? 0;
      assert.equal((await bmc.reset(type)).status, 204);
      await sim.waitFor(uuid, (entry) => entry.kind === 'boot' && entry.sequence > before, t.signal);
    }
    const states = sim.log(uuid).filter((entry) => entry.kind === 'power');
    assert.deepEqual(
      states.map((entry) => entry.to),
      ['PoweringOn', 'On', 'PoweringOff', 'Off', 'PoweringOn', 'On'],
    );
  });

  it('a graceful shutdown goes unheard where nothing runs', async (t) => {
    await fresh();
    sim.setFault(machine.uuid, { kind: 'boot-never' });
    await bmc.reset('On');
    await sim.waitFor(machine.uuid, (entry) => entry.kind === 'boot', t.signal);
    assert.equal((await bmc.reset('GracefulShutdown')).status, 204);
    const last = sim.log(machine.uuid).findLast((entry) => entry.kind === 'action');
    assert.equal(last?.result, 'unheard');
    assert.equal(sim.machine(machine.uuid).power_state, 'On');
  });

  it('uses a one-time boot override up at the next boot, and keeps a continuous one', async (t) => {
    await fresh();
    const boot = async (): Promise<string | undefined> => {
      const before = sim.log(machine.uuid).at(-1)?.sequence ?? 0;
      await bmc.reset(sim.machine(machine.uuid).power_state === 'Off' ? 'On' : 'ForceRestart');
      const entry = await sim.waitFor(
        machine.uuid,
        (entry) => entry.kind === 'boot' && entry.sequence > before,
        t.signal,
      );
      return entry.kind === 'boot' ? entry.device : undefined;
    };
    await bmc.insert('http://127.0.0.1:1/boot.iso');
    assert.equal((await bmc.bootOnceFrom('Cd')).status, 204);
    assert.equal(await boot(), 'Cd');
    assert.equal((await bmc.system()).body.Boot.BootSourceOverrideEnabled, 'Disabled');
    assert.equal(await boot(), 'disk');
    await bmc.patchSystem({
      Boot: { BootSourceOverrideTarget: 'Cd', BootSourceOverrideEnabled: 'Continuous' },
    });
    assert.equal(await boot(), 'Cd');
    assert.equal(await boot(), 'Cd');
    assert.equal((await bmc.system()).body.Boot.BootSourceOverrideTarget, 'Cd');
  });

  it('refuses what it cannot take, naming the property', async () => {
    await fresh();
    const refused = [
      [{ Boot: { BootSourceOverrideTarget: 'Tape' } }, /PropertyValueNotInList/, /BootSourceOverrideTarget/],
      [{ Boot: 'Cd' }, /PropertyValueTypeError/, /Boot/],
      [{ Colour: 'red' }, /PropertyUnknown/, /Colour/],
      ['{"Boot":', /MalformedJSON/, /JSON/],
    ] as const;
    for (const [body, id, message] of refused) {
      const answer = await bmc.patchSystem(body);
      assert.equal(answer.status, 400);
      assert.match(answer.body.error['@Message.ExtendedInfo'][0].MessageId, id);
      assert.match(answer.body.error.message, message);
    }
    const wrongMethod = await bmc.ask('DELETE', system);
    assert.equal(wrongMethod.status, 405);
    assert.equal(wrongMethod.headers.get('allow'), 'GET, PATCH');
    assert.equal((await bmc.ask('GET', '/redfish/v1/Systems/nobody')).status, 404);
    const long = await bmc.patchSystem({ AssetTag: 'x'.repeat(70_000) });
    assert.equal(long.status, 413);
  });

  it('a change with an old ETag is refused', async () => {
    await fresh();
    const etag = (await bmc.system()).headers.get('etag') ?? '';
    const change = { body: { AssetTag: 'rack 4' }, headers: { 'If-Match': etag } };
    assert.equal((await bmc.ask('PATCH', system, change)).status, 204);
    assert.equal((await bmc.ask('PATCH', system, change)).status, 412);
    const now = (await bmc.system()).headers.get('etag') ?? '';
    assert.equal((await bmc.ask('GET', system, { headers: { 'If-None-Match': now } })).status, 304);
  });

  it('takes a medium in and out', async () => {
    await fresh();
    const cd = `/redfish/v1/Managers/${machine.uuid}/VirtualMedia/Cd`;
    assert.equal((await bmc.insert('ftp://somewhere/x.iso')).status, 400);
    assert.equal((await bmc.insert('http://127.0.0.1/x.iso')).status, 204);
    assert.equal((await bmc.insert('http://127.0.0.1/y.iso')).status, 409);
    const inserted = await bmc.ask('GET', cd);
    assert.equal(inserted.body.Image, 'http://127.0.0.1/x.iso');
    assert.equal(inserted.body.Inserted, true);
    assert.equal((await bmc.eject()).status, 204);
    assert.equal((await bmc.ask('GET', cd)).body.Inserted, false);
    assert.equal((await bmc.eject()).status, 204);
  });

  it('takes BIOS settings at the next boot', async (t) => {
    await fresh();
    const settings = `${system}/Bios/Settings`;
    const attributes = (path: string) => bmc.ask('GET', path).then(({ body }) => body.Attributes);
    const patch = (body: unknown) => bmc.ask('PATCH', settings, { body });
    assert.equal((await patch({ Attributes: { BootDelaySeconds: 99 } })).status, 400);
    assert.equal((await patch({ Attributes: { SystemBiosVersion: '2' } })).status, 400);
    assert.equal((await patch({ Attributes: { BootDelaySeconds: 7 } })).status, 204);
    assert.deepEqual(await attributes(settings), { BootDelaySeconds: 7 });
    assert.equal((await attributes(`${system}/Bios`)).BootDelaySeconds, 0);
    await bmc.reset('On');
    await sim.waitFor(machine.uuid, (entry) => entry.kind === 'boot', t.signal);
    assert.equal((await attributes(`${system}/Bios`)).BootDelaySeconds, 7);
    assert.deepEqual(await attributes(settings), {});
  });

  it('a firmware update is a task', async () => {
    await fresh();
    const started = await bmc.ask('POST', '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate', {
      body: { ImageURI: 'http://127.0.0.1/bios.bin' },
    });
    assert.equal(started.status, 202);
    const monitor = await bmc.ask('GET', started.headers.get('location') ?? '');
    assert.equal(monitor.status, 202);
    assert.equal(monitor.body.TaskState, 'Running');
  });

  it('one address can serve many systems, told apart by their path', async () => {
    await using sim = await startSim({ machines: 3, bmcs: 'shared' });
    const [first, second] = sim.list();
    assert.ok(first && second);
    assert.equal(first.driver_info.redfish_address, second.driver_info.redfish_address);
    const bmc = bmcClient(first);
    assert.equal((await bmc.ask('GET', '/redfish/v1/Systems')).body['Members@odata.count'], 3);
    await bmcClient(second).reset('On');
    assert.equal(sim.log(first.uuid).length, 0);
    assert.equal(
      sim.log(second.uuid).some((entry) => entry.kind === 'action'),
      true,
    );
  });
});

function linksIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(linksIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === '@odata.id' && typeof member === 'string' ? [member] : linksIn(member),
  );
}
