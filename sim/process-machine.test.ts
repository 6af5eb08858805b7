import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { MachineFile } from '#protocol/machine-file.ts';
import { allocatedBytes } from './disk-file.ts';
import { startImageServer } from './image-server.ts';
import type { LogEntry } from './machine-log.ts';
import { selfSignedCertificate } from './self-signed.ts';
import { startSim, type MachineView, type Sim } from './sim.ts';
import { bmcClient, powerBecomes, type BmcClient } from './testing/bmc-client.ts';
import { bootFiles, openBootShelf, type BootShelf } from './testing/boot-image.ts';

const agentEntry = fileURLToPath(new URL('./testing/stand-in-agent.ts', import.meta.url));
const options = { kind: 'process', agentEntry, timeScale: 0.02, readWholeIso: true } as const;
const disks = [{ sizeBytes: 64 * 1024 * 1024 }];

describe('a process machine', () => {
  let sim: Sim;
  let shelf: BootShelf;
  before(async () => {
    [sim, shelf] = await Promise.all([startSim(options), openBootShelf()]);
  });
  after(async () => {
    await sim.close();
    await shelf[Symbol.asyncDispose]();
  });

  async function machineWith(image?: string): Promise<{ machine: MachineView; bmc: BmcClient }> {
    const machine = await sim.createMachine({ disks });
    const bmc = bmcClient(machine);
    if (image !== undefined) {
      await bmc.insert(image);
      await bmc.bootOnceFrom('Cd');
    }
    return { machine, bmc };
  }
  const until = (machine: MachineView, signal: AbortSignal, accepts: (entry: LogEntry) => boolean) =>
    sim.waitFor(machine.uuid, accepts, signal);
  const bootsOf = (machine: MachineView) => sim.log(machine.uuid).filter((entry) => entry.kind === 'boot');

  it('boots the inserted image and starts the agent with its kernel parameters and its hardware', async (t) => {
    const image = await shelf.put('wait.iso', 'ipa-api-url=http://127.0.0.1:1 ipa-agent-token=secret a=b');
    const { machine, bmc } = await machineWith(image);
    await bmc.reset('On');
    await until(machine, t.signal, (entry) => entry.kind === 'agent-start');
    const folder = join(machine.agent_log ?? '', '..');
    assert.equal(
      await readFile(join(folder, 'cmdline'), 'utf8'),
      'ipa-api-url=http://127.0.0.1:1 ipa-agent-token=secret a=b\n',
    );
    const told = JSON.parse(await readFile(join(folder, 'machine.json'), 'utf8')) as MachineFile; // the sim wrote it
    assert.equal(told.uuid, machine.uuid);
    assert.deepEqual(
      told.interfaces.map((nic) => nic.mac_address),
      machine.macs,
    );
    assert.equal(told.disks[0]?.file, machine.disks[0]?.file);
    assert.ok(!JSON.stringify(sim.log(machine.uuid)).includes('secret'), 'the log does not tell the token');
    assert.equal(sim.machine(machine.uuid).boot_state, 'agent');
    assert.ok(shelf.images.requests.every((request) => request.range !== null));

    await bmc.reset('ForceOff');
    const exit = await until(machine, t.signal, (entry) => entry.kind === 'agent-exit');
    assert.equal(exit.kind === 'agent-exit' && exit.signal, 'SIGKILL');
    await powerBecomes(sim, machine.uuid, 'Off', t.signal);
    assert.equal(sim.machine(machine.uuid).agent_pid, null);
  });

  it('restarts when the agent asks for it, and boots what the agent left on the disk', async (t) => {
    const { machine, bmc } = await machineWith(await shelf.put('install.iso', 'install exit=64'));
    await bmc.reset('On');
    await until(machine, t.signal, (entry) => entry.kind === 'boot' && entry.outcome === 'os');
    assert.equal(sim.machine(machine.uuid).power_state, 'On');
    assert.deepEqual(
      bootsOf(machine).map(({ device, outcome }) => [device, outcome]),
      [
        ['Cd', 'agent'],
        ['disk', 'os'],
      ],
    );
    // An operating system hears a graceful shutdown.
    await bmc.reset('GracefulShutdown');
    await powerBecomes(sim, machine.uuid, 'Off', t.signal);
  });

  it('powers off when the agent asks for it', async (t) => {
    const { machine, bmc } = await machineWith(await shelf.put('off.iso', 'exit=65'));
    await bmc.reset('On');
    await until(machine, t.signal, (entry) => entry.kind === 'power' && entry.to === 'Off');
    assert.equal(sim.machine(machine.uuid).boot_state, 'off');
  });

  it('a graceful shutdown asks the agent to end first', async (t) => {
    const { machine, bmc } = await machineWith(await shelf.put('wait.iso', 'a=b'));
    await bmc.reset('On');
    await until(machine, t.signal, (entry) => entry.kind === 'agent-start');
    await bmc.reset('GracefulShutdown');
    await powerBecomes(sim, machine.uuid, 'Off', t.signal);
    const exit = sim.log(machine.uuid).find((entry) => entry.kind === 'agent-exit');
    assert.equal(exit?.because, 'graceful shutdown');
  });

  it('stays on with nothing running when the agent ends otherwise', async (t) => {
    const { machine, bmc } = await machineWith(await shelf.put('crash.iso', 'exit=3'));
    await bmc.reset('On');
    await until(machine, t.signal, (entry) => entry.kind === 'agent-exit');
    const { power_state: power, boot_state: boot } = sim.machine(machine.uuid);
    assert.deepEqual([power, boot], ['On', 'crashed']);
  });

  it('says why an image does not boot, and finds no other device', async (t) => {
    const { 'initrd.img': _, ...withoutRamdisk } = bootFiles('a=b');
    await writeFile(join(shelf.folder, 'junk.iso'), Buffer.alloc(100_000));
    const reasons: [image: string, reason: RegExp][] = [
      [`${shelf.images.url}missing.iso`, /answered 404/],
      [`${shelf.images.url}junk.iso`, /not an ISO 9660/],
      [await shelf.putFiles('no-ramdisk.iso', withoutRamdisk), /no \/initrd\.img/],
      [await shelf.putFiles('no-config.iso', { vmlinuz: 'x' }), /neither .*grub\.cfg/],
      ['http://127.0.0.1:1/unreachable.iso', /Could not read .*ECONNREFUSED/],
    ];
    for (const [image, reason] of reasons) {
      const { machine, bmc } = await machineWith(image);
      await bmc.reset('On');
      await until(
        machine,
        t.signal,
        (entry) => entry.kind === 'boot' && entry.outcome === 'no-bootable-device',
      );
      const [first, second] = bootsOf(machine);
      assert.match(first?.reason ?? '', reason);
      assert.match(second?.reason ?? '', /no partition table/);
    }
  });

  it('reads its parameters from /EFI/BOOT/grub.cfg where that is the only one', async (t) => {
    const { 'boot/grub/grub.cfg': config = '', ...others } = bootFiles('exit=65');
    const image = await shelf.putFiles('efi.iso', { ...others, 'EFI/BOOT/grub.cfg': config });
    const { machine, bmc } = await machineWith(image);
    await bmc.reset('On');
    await until(machine, t.signal, (entry) => entry.kind === 'power' && entry.to === 'Off');
  });

  it('an image server that drops mid-way fails the boot with what was missing', async (t) => {
    const image = await shelf.put('dropped.iso', 'a=b');
    shelf.images.setFault('/dropped.iso', { kind: 'drop', after_bytes: 100 });
    const { machine, bmc } = await machineWith(image);
    await bmc.reset('On');
    const entry = await until(machine, t.signal, (entry) => entry.kind === 'boot');
    assert.match((entry.kind === 'boot' && entry.reason) || '', /dropped the connection after 100 bytes/);
  });

  it('agent-death: kills the agent at once, or after it has written so much', async (t) => {
    const megabytes = 1024 * 1024;
    const { machine, bmc } = await machineWith(await shelf.put('fill.iso', `fill=${40 * megabytes}`));
    sim.setFault(machine.uuid, { kind: 'agent-death', after_bytes: 4 * megabytes, count: 1 });
    await bmc.reset('On');
    const exit = await until(machine, t.signal, (entry) => entry.kind === 'agent-exit');
    assert.equal(exit.kind === 'agent-exit' && exit.signal, 'SIGKILL');
    assert.ok((await allocatedBytes(machine.disks[0]?.file ?? '')) >= 4 * megabytes);
    assert.equal(sim.machine(machine.uuid).boot_state, 'crashed');
    assert.deepEqual(sim.faults(machine.uuid), {});

    await bmc.bootOnceFrom('Cd');
    await bmc.reset('ForceRestart');
    const second = (entry: LogEntry): boolean => entry.sequence > exit.sequence;
    await until(machine, t.signal, (entry) => entry.kind === 'agent-start' && second(entry));
    sim.setFault(machine.uuid, { kind: 'agent-death', count: 1 });
    await until(machine, t.signal, (entry) => entry.kind === 'agent-exit' && second(entry));
  });

  it('boots over HTTPS, and only from a server it trusts where that is asked for', async (t) => {
    await shelf.put('secure.iso', 'exit=65');
    const tls = selfSignedCertificate({ address: '127.0.0.1', now: Date.now() });
    await using images = await startImageServer({ folder: shelf.folder, tls });
    for (const verifies of [false, true]) {
      const { machine, bmc } = await machineWith();
      const insert = `/redfish/v1/Managers/${machine.uuid}/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia`;
      await bmc.ask('POST', insert, {
        body: { Image: `${images.url}secure.iso`, VerifyCertificate: verifies },
      });
      await bmc.bootOnceFrom('Cd');
      await bmc.reset('On');
      const boot = await until(machine, t.signal, (entry) => entry.kind === 'boot');
      assert.equal(boot.kind === 'boot' && boot.outcome, verifies ? 'failed' : 'agent');
    }
  });

  it('ends an agent that a killed sim left behind, before anything else writes to its disks', async (t) => {
    const dataFolder = await mkdtemp(join(tmpdir(), 'sim-data-'));
    t.after(() => rm(dataFolder, { recursive: true, force: true }));
    const folder = join(dataFolder, 'machines', 'process-0');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'cmdline'), 'a=b');
    await writeFile(join(folder, 'machine.json'), '{"uuid": "x", "disks": []}');
    const files = ['--cmdline-file', join(folder, 'cmdline'), '--machine', join(folder, 'machine.json')];
    const orphan = spawn(process.execPath, [agentEntry, ...files], { stdio: 'ignore' });
    const bystander = spawn(process.execPath, ['--eval', 'setInterval(() => 0, 60000)'], { stdio: 'ignore' });
    t.after(() => bystander.kill('SIGKILL'));
    await writeFile(join(folder, 'agent.pid'), String(orphan.pid));
    const ended = once(orphan, 'exit');
    await using sim = await startSim({ ...options, dataFolder });
    await sim.createMachine({ disks });
    assert.equal((await ended)[1], 'SIGKILL');
    await sim.deleteMachine('process-0');

    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'agent.pid'), String(bystander.pid));
    await sim.createMachine({ name: 'process-0', disks });
    assert.equal(bystander.signalCode, null, 'a number that another program has by now is left alone');
    assert.ok(bystander.pid !== undefined && process.kill(bystander.pid, 0));
  });

  it('keeps its disks over a restart of the sim, and leaves no agent behind', async (t) => {
    const dataFolder = await mkdtemp(join(tmpdir(), 'sim-data-'));
    t.after(() => rm(dataFolder, { recursive: true, force: true }));
    const image = await shelf.put('install-wait.iso', 'install');
    let pid = 0;
    let first: MachineView | undefined;
    {
      await using sim = await startSim({ ...options, dataFolder });
      first = await sim.createMachine({ disks });
      const bmc = bmcClient(first);
      await bmc.insert(image);
      await bmc.bootOnceFrom('Cd');
      await bmc.reset('On');
      const started = await sim.waitFor(first.uuid, (entry) => entry.kind === 'agent-start', t.signal);
      pid = started.kind === 'agent-start' ? started.pid : 0;
      // The install is the first thing the agent does after it has spoken; a shutdown by the sim ends it afterwards.
      await bmc.reset('GracefulRestart');
      await sim.waitFor(first.uuid, (entry) => entry.kind === 'agent-exit', t.signal);
    }
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    const before = createHash('sha256')
      .update(await readFile(first.disks[0]?.file ?? ''))
      .digest('hex');
    await using again = await startSim({ ...options, dataFolder });
    const second = await again.createMachine({ disks });
    assert.deepEqual([second.uuid, second.macs], [first.uuid, first.macs]);
    const now = createHash('sha256')
      .update(await readFile(second.disks[0]?.file ?? ''))
      .digest('hex');
    assert.equal(now, before);
    await again.deleteMachine(second.uuid);
    await assert.rejects(access(second.disks[0]?.file ?? ''));
  });
});
