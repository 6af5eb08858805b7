import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Fault } from '../faults.ts';
import { startSim, type Sim } from '../sim.ts';
import { bmcClient, type BmcClient } from '../testing/bmc-client.ts';

describe('a BMC with a fault', () => {
  let sim: Sim;
  before(async () => {
    sim = await startSim({ timeScale: 0.02 });
  });
  after(() => sim.close());

  async function faulty(fault: Fault): Promise<{ bmc: BmcClient; uuid: string }> {
    const machine = await sim.createMachine();
    sim.setFault(machine.uuid, fault);
    return { bmc: bmcClient(machine), uuid: machine.uuid };
  }
  const answeredBy = (uuid: string, fault: string): boolean =>
    sim.log(uuid).some((entry) => entry.kind === 'request' && entry.fault === fault);

  it('slow: answers late, and rightly', async () => {
    const { bmc, uuid } = await faulty({ kind: 'slow', milliseconds: 60 });
    const started = performance.now();
    assert.equal((await bmc.system()).status, 200);
    // Timers may fire a fraction of a millisecond early by this clock.
    assert.ok(performance.now() - started >= 59);
    assert.ok(answeredBy(uuid, 'slow'));
  });

  it('hang: takes the request and never answers', async (t) => {
    const { bmc, uuid } = await faulty({ kind: 'hang' });
    const client = new AbortController();
    const asked = bmc.ask('POST', '/redfish/v1/SessionService/Sessions', {
      body: {},
      signal: client.signal,
    });
    await Promise.all([
      assert.rejects(asked, { name: 'AbortError' }),
      sim.waitFor(uuid, (entry) => entry.kind === 'request', t.signal).then(() => client.abort()),
    ]);
    const [entry] = sim.log(uuid);
    assert.equal(entry?.kind === 'request' && entry.status, null);
  });

  it('reset: tears the connection down', async () => {
    const { bmc } = await faulty({ kind: 'reset', count: 1 });
    await assert.rejects(bmc.system(), /fetch failed/);
    assert.equal((await bmc.system()).status, 200, 'a fault with a count of one is gone after one request');
  });

  it('status: answers with it, with or without a body', async () => {
    const { bmc, uuid } = await faulty({ kind: 'status', status: 503 });
    const extended = await bmc.system();
    assert.equal(extended.status, 503);
    assert.match(extended.body.error.code, /GeneralError$/);
    sim.setFault(uuid, { kind: 'status', status: 500, body: 'empty' });
    assert.deepEqual([(await bmc.system()).status, (await bmc.system()).text], [500, '']);
    sim.setFault(uuid, { kind: 'status', status: 502, body: 'html' });
    assert.match((await bmc.system()).text, /^<html>/);
    sim.clearFault(uuid);
    assert.equal((await bmc.system()).status, 200);
  });

  it('unauthorized: the password is suddenly wrong', async () => {
    const { bmc } = await faulty({ kind: 'unauthorized', count: 2 });
    assert.equal((await bmc.system()).status, 401);
    assert.equal((await bmc.system()).status, 401);
    assert.equal((await bmc.system()).status, 200);
  });

  it('stale-session: a token is forgotten, a new session works', async () => {
    const machine = await sim.createMachine();
    const bmc = bmcClient(machine);
    const open = async (): Promise<Record<string, string>> => {
      const { headers } = await bmc.ask('POST', '/redfish/v1/SessionService/Sessions', {
        body: { UserName: 'admin', Password: 'password' },
        anonymous: true,
      });
      return { 'X-Auth-Token': headers.get('x-auth-token') ?? '' };
    };
    const read = async (headers: Record<string, string>): Promise<number> =>
      (await bmc.ask('GET', machine.driver_info.redfish_system_id, { headers, anonymous: true })).status;
    const first = await open();
    assert.equal(await read(first), 200);
    sim.setFault(machine.uuid, { kind: 'stale-session', count: 1 });
    assert.equal(await read(first), 401);
    assert.equal(await read(first), 401);
    assert.equal(await read(await open()), 200);
  });

  it('power-stuck: says yes and does nothing', async () => {
    const { bmc, uuid } = await faulty({ kind: 'power-stuck' });
    assert.equal((await bmc.reset('On')).status, 204);
    assert.equal(sim.machine(uuid).power_state, 'Off');
    assert.ok(sim.log(uuid).some((entry) => entry.kind === 'action' && entry.result === 'stuck'));
  });

  it('wrong-answer: garbage, a login page, or a resource short of members', async () => {
    const { bmc, uuid } = await faulty({ kind: 'wrong-answer', answer: 'garbage' });
    const garbage = await bmc.system();
    assert.deepEqual([garbage.status, garbage.body], [200, undefined]);
    sim.setFault(uuid, { kind: 'wrong-answer', answer: 'html' });
    assert.match((await bmc.system()).text, /^<html>/);
    sim.setFault(uuid, { kind: 'wrong-answer', answer: 'missing-members', members: ['PowerState'] });
    const short = await bmc.system();
    assert.equal(short.body.PowerState, undefined);
    assert.equal(short.body.UUID, uuid);
    sim.setFault(uuid, { kind: 'wrong-answer', answer: 'missing-members' });
    assert.deepEqual(
      Object.keys((await bmc.system()).body).filter((name) => !name.startsWith('@odata')),
      [],
    );
  });

  it('boot-never: power comes on and nothing starts', async (t) => {
    const { bmc, uuid } = await faulty({ kind: 'boot-never', count: 1 });
    await bmc.reset('On');
    await sim.waitFor(uuid, (entry) => entry.kind === 'boot' && entry.outcome === 'stuck', t.signal);
    assert.equal(sim.machine(uuid).boot_state, 'stuck');
    await bmc.reset('ForceRestart');
    await sim.waitFor(uuid, (entry) => entry.kind === 'boot' && entry.outcome === 'os', t.signal);
  });

  it('meets only the requests it is narrowed to', async () => {
    const { bmc } = await faulty({
      kind: 'status',
      status: 500,
      method: 'POST',
      path: 'ComputerSystem.Reset',
    });
    assert.equal((await bmc.system()).status, 200);
    assert.equal((await bmc.eject()).status, 204);
    assert.equal((await bmc.reset('On')).status, 500);
  });

  it('can do what was asked and fail to say so', async (t) => {
    const { bmc, uuid } = await faulty({ kind: 'reset', method: 'POST', acts_first: true, count: 1 });
    await assert.rejects(bmc.reset('On'), /fetch failed/);
    await sim.waitFor(uuid, (entry) => entry.kind === 'power' && entry.to === 'On', t.signal);
  });
});
