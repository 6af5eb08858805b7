import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Task } from '../task.ts';
import type { StepDefinition, StepOutcome } from '../steps.ts';
import { openRig, type Rig, type RigOptions } from './testing/rig.ts';

const limit = { timeoutSeconds: 20 };

describe('power', () => {
  it('reaches every target, and does nothing that is done', async () => {
    await using rig = await openRig();
    const { power } = rig.task.driver;
    const reach = async (target: Parameters<typeof power.setPowerState>[1]) => {
      await power.setPowerState(rig.task, target, limit);
      return await power.getPowerState(rig.task);
    };
    assert.equal(await power.getPowerState(rig.task), 'power off');
    assert.equal(await reach('power on'), 'power on');
    assert.equal(await reach('power on'), 'power on');
    assert.equal(await reach('rebooting'), 'power on');
    await rig.sim.waitFor(
      rig.machine.uuid,
      (entry) => entry.kind === 'boot' && entry.sequence > 8,
      AbortSignal.timeout(10_000),
    );
    assert.equal(await reach('soft power off'), 'power off');
    assert.equal(await reach('power off'), 'power off');
    assert.equal(await reach('rebooting'), 'power on');
    assert.deepEqual(rig.actions(), ['On', 'ForceOff', 'On', 'GracefulShutdown', 'On']);
  });

  it('is not taken off a machine that must keep it when that is rebooted', async () => {
    await using rig = await openRig({ node: { disable_power_off: true } });
    const { power } = rig.task.driver;
    await power.setPowerState(rig.task, 'power on', limit);
    await power.setPowerState(rig.task, 'rebooting', limit);
    assert.deepEqual(rig.actions(), ['On', 'ForceRestart']);
  });

  it('that does not change is a failure that says what the BMC says', async () => {
    await using rig = await openRig();
    rig.sim.setFault(rig.machine.uuid, { kind: 'power-stuck' });
    const { power } = rig.task.driver;
    await assert.rejects(power.setPowerState(rig.task, 'power on', { timeoutSeconds: 0.1 }), {
      name: 'PowerStateFailure',
      message:
        'Failed to set node power state to power on: its BMC says Off 0.1 s after it was asked for On.',
    });
  });

  it('waits for a machine on its way down, with BMCs that tell it', async () => {
    await using rig = await openRig({ sim: { tellsTransitions: true } });
    const { power } = rig.task.driver;
    await power.setPowerState(rig.task, 'power on', limit);
    await power.setPowerState(rig.task, 'rebooting', limit);
    assert.deepEqual(rig.actions(), ['On', 'ForceOff', 'On']);
  });
});

describe('a BMC that', () => {
  const refusals: [why: string, changes: Record<string, unknown>, message: RegExp][] = [
    ['refuses the password', { redfish_password: 'wrong-secret' }, /refused the user name or password/],
    ['is not there', { redfish_address: 'http://127.0.0.1:1' }, /Cannot reach the BMC/],
    ['has no such system', { redfish_system_id: '/redfish/v1/Systems/other' }, /404/],
  ];
  for (const [why, changes, message] of refusals) {
    it(`${why} is a published fault without a secret`, async () => {
      await using rig = await openRig();
      const { node } = rig.task;
      rig.task.node = { ...node, driver_info: { ...node.driver_info, ...changes } };
      await assert.rejects(rig.task.driver.power.getPowerState(rig.task), (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.name, /^Redfish(Connection)?Error$/);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /wrong-secret/);
        return true;
      });
    });
  }
});

describe('management', () => {
  it('sets and tells boot device, boot mode and secure boot', async () => {
    await using rig = await openRig();
    const { management } = rig.task.driver;
    const { task } = rig;
    assert.ok((await management.supportedBootDevices(task)).includes('cdrom'));
    await management.setBootDevice(task, 'pxe', { persistent: false });
    assert.deepEqual(await management.getBootDevice(task), { boot_device: 'pxe', persistent: false });
    await management.setBootDevice(task, 'disk', { persistent: true });
    assert.deepEqual(await management.getBootDevice(task), { boot_device: 'disk', persistent: true });
    await management.setBootMode?.(task, 'bios');
    assert.equal(await management.getBootMode?.(task), 'bios');
    await management.setBootMode?.(task, 'uefi');
    await assert.rejects(management.setBootDevice(task, 'floppy', { persistent: true }), /floppy/);
    assert.equal((await management.getMacAddresses?.(task))?.[0], rig.machine.macs[0]);
    assert.ok(await management.detectVendor?.(task));
    assert.ok(Object.keys((await management.getSensors?.(task)) ?? {}).length > 0);
  });
});

describe('inspection through the BMC', () => {
  it('finds properties and ports', async () => {
    await using rig = await openRig({ node: { inspect_interface: 'redfish' } });
    const result = await rig.task.driver.inspect.inspect(rig.task);
    assert.ok('inventory' in result);
    const { cpus, memory_mb, local_gb, cpu_arch } = result.changes.properties ?? {};
    const { properties } = rig.machine;
    assert.deepEqual(
      { cpus, memory_mb, cpu_arch },
      { cpus: properties.cpus, memory_mb: properties.memory_mb, cpu_arch: properties.cpu_arch },
    );
    assert.equal(typeof local_gb, 'number');
    assert.deepEqual(
      result.ports.map(({ address }) => address),
      rig.machine.macs,
    );
  });
});

describe('virtual media', () => {
  async function withFiles(use: (options: RigOptions) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'ingot-redfish-'));
    try {
      const [deploy_kernel, deploy_ramdisk] = [join(folder, 'kernel'), join(folder, 'ramdisk')];
      await Promise.all([writeFile(deploy_kernel, 'kernel'), writeFile(deploy_ramdisk, 'ramdisk')]);
      await use({ settings: { conductor: { deploy_kernel, deploy_ramdisk } } });
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const prepare = (task: Task, parameters: Record<string, string>) =>
    task.driver.boot.prepareRamdisk(task, parameters);

  it('are inserted once for a boot, again for another, and ejected once', () =>
    withFiles(async (options) => {
      await using rig = await openRig(options);
      const { task } = rig;
      const { boot } = task.driver;
      await boot.validate(task);
      assert.equal(await boot.isRamdiskPrepared(task), false);
      await prepare(task, { a: '1' });
      await prepare(task, { a: '1' });
      assert.equal(await boot.isRamdiskPrepared(task), true);
      assert.deepEqual(rig.actions(), ['InsertMedia', 'PATCH ComputerSystem']);
      await prepare(task, { a: '2' });
      await boot.prepareInstance(task);
      await boot.cleanUpRamdisk(task);
      await boot.cleanUpInstance(task);
      assert.equal(await boot.isRamdiskPrepared(task), false);
      const media = rig.actions().filter((action) => action.endsWith('Media'));
      assert.deepEqual(media, ['InsertMedia', 'EjectMedia', 'InsertMedia', 'EjectMedia']);
      assert.deepEqual(await task.driver.management.getBootDevice(task), {
        boot_device: 'disk',
        persistent: true,
      });
      assert.equal(task.node.driver_internal_info['boot_media'], undefined);
    }));

  it('that cannot be composed fail before the machine is touched', async () => {
    await using rig = await openRig({
      settings: { conductor: { deploy_kernel: '/no/kernel', deploy_ramdisk: '/no/ramdisk' } },
    });
    await assert.rejects(prepare(rig.task, { a: '1' }), /boot file \/no\/kernel cannot be used/);
    assert.deepEqual(rig.actions(), []);
  });

  it('are validated without a machine', async () => {
    await using rig = await openRig();
    await assert.rejects(rig.task.driver.boot.validate(rig.task), /deploy_kernel/);
  });
});

describe('BIOS settings', () => {
  const stepOf = ({ task }: Rig, name: string): StepDefinition => {
    const step = task.driver.bios.steps?.find((each) => each.step === name);
    assert.ok(step, name);
    return step;
  };
  /** As an engine does that is asked for a reboot, after which the step is run again. */
  const rebootFor = async ({ task }: Rig, outcome: StepOutcome): Promise<void> => {
    assert.ok(outcome.kind === 'wait' && outcome.for === 'reboot' && outcome.thenRepeatStep);
    await task.driver.power.setPowerState(task, 'rebooting', { timeoutSeconds: 10 });
    task.memo = { ...task.memo, ...outcome.notes };
  };
  const valueOf = async ({ task }: Rig, name: string): Promise<string | null | undefined> =>
    (await task.driver.bios.readSettings?.(task))?.find((each) => each.name === name)?.value;
  const threading = (value: string) => ({ settings: [{ name: 'ProcHyperthreading', value }] });

  it('are written once and there after the restart, however often the conductor dies before it', async () => {
    await using rig = await openRig({ node: { bios_interface: 'redfish' } });
    const apply = async () => await stepOf(rig, 'apply_configuration').run(rig.task, threading('Disabled'));
    await rig.throughDeaths(apply);
    const outcome = await rig.throughDeaths(apply);
    assert.equal(await valueOf(rig, 'ProcHyperthreading'), 'Enabled');
    await rebootFor(rig, outcome);
    assert.deepEqual(await apply(), { kind: 'done' });
    assert.equal(await valueOf(rig, 'ProcHyperthreading'), 'Disabled');
    const writes = rig.actions().filter((action) => action.startsWith('PATCH'));
    assert.equal(writes.length, 1, writes.join());
  });

  it('that a restart did not take over are named', async () => {
    await using rig = await openRig({ node: { bios_interface: 'redfish' } });
    const apply = async () => await stepOf(rig, 'apply_configuration').run(rig.task, threading('Disabled'));
    await apply();
    rig.task.memo = { rebooted: true };
    await assert.rejects(apply(), /still has other BIOS settings: ProcHyperthreading/);
  });

  it('are the maker’s again after a reset and the restart, not before', async () => {
    await using rig = await openRig({ node: { bios_interface: 'redfish' } });
    const apply = stepOf(rig, 'apply_configuration');
    await rebootFor(rig, await apply.run(rig.task, threading('Disabled')));
    rig.task.memo = {};
    const reset = async () => await stepOf(rig, 'factory_reset').run(rig.task, {});
    await rig.throughDeaths(reset);
    const outcome = await rig.throughDeaths(reset);
    await rebootFor(rig, outcome);
    assert.deepEqual(await reset(), { kind: 'done' });
    assert.equal(await valueOf(rig, 'ProcHyperthreading'), 'Enabled');
  });

  it('are set, taken over by a restart, and left alone when they are so', async () => {
    await using rig = await openRig({ node: { bios_interface: 'redfish' } });
    const { task } = rig;
    const { bios } = task.driver;
    const [first] = (await bios.readSettings?.(task)) ?? [];
    const step = bios.steps?.find((each) => each.step === 'apply_configuration');
    assert.ok(first && step);
    const same = { settings: [first] };
    assert.deepEqual(await step.run(task, same), { kind: 'done' });
    await assert.rejects(async () => await step.run(task, { settings: 'x' }), /list of objects/);
  });
});
