import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { connect } from 'node:tls';
import { MachineExists, UnknownMachine } from './errors.ts';
import { startSim } from './sim.ts';
import { bmcClient } from './testing/bmc-client.ts';

const json = async (response: Response): Promise<Record<string, never>> =>
  (await response.json()) as Record<string, never>; // looked at member by member below

describe('the sim', () => {
  it('is made and changed through its control API', async () => {
    await using sim = await startSim();
    const machines = `${sim.url}/sim/v1/machines`;
    const made = await fetch(machines, {
      method: 'POST',
      body: JSON.stringify({ name: 'rack1-u4', disks: [{ sizeBytes: 1024 ** 4, rotational: true }] }),
    });
    assert.equal(made.status, 201);
    const { uuid } = await json(made);
    const found = sim.machine('rack1-u4');
    assert.equal(found.uuid, uuid);
    assert.equal(found.properties.local_gb, 1023);

    const fault = `${machines}/rack1-u4/faults/broken`;
    const put = (body: unknown) => fetch(fault, { method: 'PUT', body: JSON.stringify(body) });
    assert.equal((await put({ kind: 'status', status: 503, count: 5 })).status, 204);
    assert.equal((await bmcClient(found).system()).status, 503);
    assert.deepEqual(await json(await fetch(`${machines}/rack1-u4/faults`)), {
      faults: { broken: { kind: 'status', status: 503, count: 4 } },
    });
    assert.equal((await fetch(fault, { method: 'DELETE' })).status, 204);
    assert.equal((await bmcClient(found).reset('On')).status, 204);
    const { entries } = await json(await fetch(`${machines}/rack1-u4/log?after=1`));
    assert.ok(JSON.stringify(entries).includes('ComputerSystem.Reset'));

    assert.equal((await fetch(`${machines}/rack1-u4`, { method: 'DELETE' })).status, 204);
    assert.equal((await fetch(`${machines}/rack1-u4`)).status, 404);
  });

  it('says what is wrong with what it is asked', async () => {
    await using sim = await startSim({ machines: 1 });
    const machines = `${sim.url}/sim/v1/machines`;
    const refused: [method: string, url: string, body: string, status: number, reason: RegExp][] = [
      ['POST', machines, '{"kind": "quantum"}', 400, /"kind" must be "memory" or "process"/],
      ['POST', machines, '{"wheels": 4}', 400, /no "wheels"/],
      ['POST', machines, '{"name": "../../etc"}', 400, /"name" must be/],
      ['POST', machines, '{"name": "memory-0"}', 409, /already has/],
      ['POST', machines, '[', 400, /not JSON/],
      ['PUT', `${machines}/memory-0/faults/x`, '{"kind": "gremlin"}', 400, /kind is one of/],
      ['PUT', `${machines}/memory-0/faults/x`, '{"kind": "slow"}', 400, /"milliseconds" of a slow fault/],
      ['POST', `${sim.url}/sim/v1/checkpoints/arm`, '{}', 400, /Arm with/],
      ['POST', `${sim.url}/sim/v2`, '', 404, /no POST/],
    ];
    for (const [method, url, body, status, reason] of refused) {
      const answer = await fetch(url, { method, body });
      assert.equal(answer.status, status, body);
      assert.match(String((await json(answer))['error']), reason);
    }
    const ofAPage = { method: 'POST', headers: { origin: 'https://site.example' }, body: '{"at": 1}' };
    assert.equal((await fetch(`${sim.url}/sim/v1/checkpoints/arm`, ofAPage)).status, 403);
    await assert.rejects(sim.createMachine({ name: 'memory-0' }), MachineExists);
    assert.throws(() => sim.machine('nobody'), UnknownMachine);
  });

  it('makes the same machines from the same seed', async () => {
    const identities = async (seed: string): Promise<unknown[]> => {
      await using sim = await startSim({ machines: 3, bmcs: 'shared', seed });
      return sim.list().map(({ uuid, macs }) => [uuid, macs]);
    };
    assert.deepEqual(await identities('a'), await identities('a'));
    assert.notDeepEqual(await identities('a'), await identities('b'));
  });

  it('closes twice, in the middle of power transitions', async () => {
    const sim = await startSim({ machines: 5 });
    await Promise.all(sim.list().map((machine) => bmcClient(machine).reset('On')));
    await Promise.all([sim.close(), sim.close()]);
    assert.ok(sim.list().every((machine) => machine.power_state === 'Off'));
  });

  it('carries ten thousand machines behind one address', async (t) => {
    const memory = (): number => {
      globalThis.gc?.();
      return process.memoryUsage().heapUsed;
    };
    const before = memory();
    const started = performance.now();
    await using sim = await startSim({ machines: 10_000, bmcs: 'shared' });
    const seconds = (performance.now() - started) / 1000;
    const each = (memory() - before) / 10_000;
    t.diagnostic(`10,000 memory machines in ${seconds.toFixed(2)} s, ${Math.round(each)} bytes of heap each`);
    const view = sim.machine('memory-9999');
    assert.equal((await bmcClient(view).system()).body.UUID, view.uuid);
  });

  it('serves a folder of images that its control API makes fail', async (t) => {
    const imagesFolder = await mkdtemp(join(tmpdir(), 'sim-images-'));
    t.after(() => rm(imagesFolder, { recursive: true, force: true }));
    await writeFile(join(imagesFolder, 'os.raw'), 'an image');
    await using sim = await startSim({ imagesFolder });
    const { url } = await json(await fetch(`${sim.url}/sim/v1/images`));
    const image = (): Promise<Response> => fetch(`${url}os.raw`);
    const fault = `${sim.url}/sim/v1/images/faults/${encodeURIComponent('/os.raw')}`;
    const put = (body: unknown) => fetch(fault, { method: 'PUT', body: JSON.stringify(body) });
    assert.equal((await put({ kind: 'status', status: 503 })).status, 204);
    assert.equal((await image()).status, 503);
    assert.equal((await fetch(fault, { method: 'DELETE' })).status, 204);
    assert.equal(await (await image()).text(), 'an image');
    assert.equal((await put({ kind: 'slow' })).status, 400);
  });

  it('has BMCs with certificates that they signed themselves', async (t) => {
    await using sim = await startSim({ machines: 1, bmcs: 'shared', tls: 'self-signed' });
    const [machine] = sim.list();
    assert.ok(machine);
    const address = new URL(machine.driver_info.redfish_address);
    assert.equal(address.protocol, 'https:');
    const socket = connect({ host: address.hostname, port: Number(address.port), rejectUnauthorized: false });
    t.after(() => socket.destroy());
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate();
    assert.ok(certificate);
    assert.ok(certificate.verify(certificate.publicKey), 'it is signed by its own key');
    assert.equal(certificate.checkIP(address.hostname), address.hostname);
    await assert.rejects(fetch(address), (error: Error) => {
      assert.match(String(error.cause), /self-signed/);
      return true;
    });
  });

  it('runs as a process of its own and ends when told', async () => {
    const entry = join(import.meta.dirname, '..', 'src', 'bin', 'sim.ts');
    const child = spawn(
      process.execPath,
      [entry, '--machines', '2', '--kind', 'memory', '--bmcs', 'shared'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = await once(createInterface(child.stdout), 'line');
    const { url, machines } = JSON.parse(String(line)) as { url: string; machines: number }; // its own output
    assert.equal(machines, 2);
    assert.equal((await fetch(`${url}/sim/v1/machines`)).status, 200);
    child.kill('SIGTERM');
    const [status] = await once(child, 'exit');
    assert.equal(status, 0);
  });

  it('refuses an option it does not know with one sentence and status 2', async () => {
    const entry = join(import.meta.dirname, '..', 'src', 'bin', 'sim.ts');
    const child = spawn(process.execPath, [entry, '--kind', 'quantum'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    const [status] = await once(child, 'close');
    assert.equal(status, 2);
    assert.equal(
      said,
      "sim: --kind takes memory or process, not 'quantum'. The options are explained by --help.\n",
    );
  });
});
