import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidParameterValue, MissingParameterValue } from '#model/faults.ts';
import { interfaceTypes } from '#model/power-states.ts';
import type { InterfaceContract } from '../interfaces/contract.ts';
import type { StepDefinition } from '../steps.ts';
import type { StepFlow } from '../task.ts';
import { aTask, testPackages, type TestTask } from '../testing/a-task.ts';
import { secondsFrom } from './delay.ts';

const target_raid_config = {
  logical_disks: [
    { raid_level: '1', size_gb: 50, is_root_volume: true },
    { raid_level: '5', size_gb: 'MAX' },
  ],
};

/** Arguments for the steps that need some. */
const someArgs: Record<string, Record<string, unknown>> = {
  apply_configuration: { settings: [{ name: 'boot', value: 'uefi' }], raid_config: target_raid_config },
  update: { settings: [{ component: 'bmc', url: 'http://127.0.0.1/bmc.bin' }] },
};

const everyStep = testPackages.flatMap(({ implementations }) =>
  interfaceTypes.flatMap((type) =>
    Object.entries<InterfaceContract>(implementations[type] ?? {}).flatMap(([name, { steps = [] }]) =>
      steps.flatMap((step) =>
        Object.keys(step.flows).map((flow) => ({ type, name, step, flow: flow as StepFlow })),
      ),
    ),
  ),
);

/** Runs a step to its end as a conductor does, the agent answering each time that it is waited for. */
async function runToEnd(task: TestTask, step: StepDefinition): Promise<void> {
  for (task.attempt = 1; task.attempt < 5; task.attempt++) {
    const outcome = await step.run(task, someArgs[step.step] ?? {});
    task.apply(outcome.changes);
    if (outcome.kind === 'done') return;
    task.agentHeardAt = task.clock.now();
  }
  assert.fail(`${step.step} does not end`);
}

describe('every step', () => {
  for (const { type, name, step, flow } of everyStep) {
    it(`${name} ${type} ${step.step} of ${flow} may run twice`, async () => {
      const task = aTask({ flow, node: { target_raid_config } });
      await runToEnd(task, step);
      const afterOnce = structuredClone(task.node);
      task.memo = {};
      await runToEnd(task, step);
      assert.deepEqual(task.node, afterOnce);
    });

    it(`${name} ${type} ${step.step} of ${flow} may be begun, lost and run again`, async () => {
      const task = aTask({ flow, node: { target_raid_config } });
      await step.run(task, someArgs[step.step] ?? {}); // the outcome was never stored
      await runToEnd(task, step);
    });

    it(`${name} ${type} ${step.step} of ${flow} does nothing once its task is aborted`, async () => {
      const signal = AbortSignal.abort(new Error('stopping'));
      const task = aTask({ signal, node: { target_raid_config } });
      const before = structuredClone(task.node);
      await step.run(task, someArgs[step.step] ?? {}).catch((error: unknown) => {
        assert.match(String(error), /stopping/);
      });
      assert.deepEqual(task.node, before);
    });
  }

  it('is of the flows and priorities that Ironic gives it, those of RAID as a real one’s', () => {
    const listed = everyStep
      .filter(({ name }) => name === 'fake')
      .map(({ type, step, flow }) => `${flow} ${type}.${step.step} ${step.flows[flow]}`);
    assert.deepEqual(listed.toSorted(), [
      'clean bios.apply_configuration 0',
      'clean bios.cache_bios_settings 0',
      'clean bios.factory_reset 0',
      'clean firmware.update 0',
      'clean raid.create_configuration 0',
      'clean raid.delete_configuration 0',
      'clean vendor.log_passthrough 1',
      'deploy deploy.deploy 100',
      'deploy raid.apply_configuration 0',
      'deploy raid.delete_configuration 0',
      'service raid.apply_configuration 0',
      'service raid.delete_configuration 0',
      'service vendor.log_passthrough 0',
      'service vendor.trigger_servicewait 0',
    ]);
  });
});

describe('delays', () => {
  const rows: [setting: number[], random: number, seconds: number][] = [
    [[0], 0.5, 0],
    [[3], 0.5, 3],
    [[1, 5], 0, 1],
    [[1, 5], 0.75, 3],
    [[2, 2], 0.9, 2],
  ];
  for (const [setting, random, seconds] of rows)
    it(`[${setting.join()}] at ${random} takes ${seconds} s`, () => {
      assert.equal(secondsFrom(setting, random), seconds);
    });

  it('are slept on the clock of the task', async () => {
    const task = aTask({ settings: { fake: { power_delay: [2] } } });
    await task.driver.power.setPowerState(task, 'power on', { timeoutSeconds: 1 });
    assert.deepEqual(task.slept, [2000]);
  });

  it('of nothing do not sleep at all', async () => {
    const task = aTask();
    await task.driver.power.getPowerState(task);
    assert.deepEqual(task.slept, []);
  });
});

describe('power', () => {
  it('is what the record says, and unknown before the first action', async () => {
    const task = aTask();
    assert.equal(await task.driver.power.getPowerState(task), null);
    await task.setPower('power on');
    assert.equal(await task.driver.power.getPowerState(task), 'power on');
    await task.setPower('soft power off');
    assert.equal(await task.driver.power.getPowerState(task), 'power off');
  });
});

describe('management', () => {
  it('boots from the network only', async () => {
    const task = aTask();
    const { management } = task.driver;
    await management.setBootDevice(task, 'pxe', { persistent: true });
    await assert.rejects(management.setBootDevice(task, 'disk', { persistent: true }), InvalidParameterValue);
    assert.deepEqual(await management.getBootDevice(task), { boot_device: 'pxe', persistent: false });
  });
});

describe('bios', () => {
  const step = (name: string) => {
    const found = everyStep.find(({ type, step }) => type === 'bios' && step.step === name)?.step;
    assert.ok(found);
    return found;
  };

  it('keeps what was applied until it is reset', async () => {
    const task = aTask();
    const apply = await step('apply_configuration').run(task, { settings: [{ name: 'one', value: 1 }] });
    task.apply(apply.changes);
    assert.deepEqual(await task.driver.bios.readSettings?.(task), [{ name: 'one', value: '1' }]);
    task.apply((await step('factory_reset').run(task, {})).changes);
    assert.deepEqual(await task.driver.bios.readSettings?.(task), []);
  });

  for (const settings of [undefined, 'x', [1], [{ value: 1 }], [{ name: 'one', value: {} }]])
    it(`refuses ${JSON.stringify(settings)}`, async () => {
      await assert.rejects(step('apply_configuration').run(aTask(), { settings }), InvalidParameterValue);
    });
});

describe('firmware', () => {
  const update = { component: 'bmc', url: 'http://127.0.0.1/bmc.bin' };
  const step = everyStep.find(({ type }) => type === 'firmware')?.step;

  it('takes updates, with seconds to wait or without', async () => {
    assert.deepEqual(await step?.run(aTask(), { settings: [update, { ...update, wait: 5 }] }), {
      kind: 'done',
    });
  });

  for (const settings of [undefined, [], [1], [{ component: 'bmc' }], [{ ...update, wait: 'long' }]])
    it(`refuses ${JSON.stringify(settings)}`, async () => {
      assert.ok(step);
      await assert.rejects(step.run(aTask(), { settings }), InvalidParameterValue);
    });
});

describe('raid', () => {
  const [root, other] = target_raid_config.logical_disks;
  const run = async (task: TestTask, name: string, args = {}): Promise<unknown> => {
    const step = task.driver.raid.steps?.find((one) => one.step === name);
    assert.ok(step);
    task.apply((await step.run(task, args)).changes);
    return task.node.raid_config['logical_disks'];
  };

  it('is made of the target in cleaning, and of the argument in deployment and service', async () => {
    const task = aTask({ node: { target_raid_config } });
    assert.deepEqual(await run(task, 'create_configuration'), [root, other]);
    assert.equal(typeof task.node.raid_config['last_updated'], 'string');
    const raid_config = { logical_disks: [other] };
    assert.deepEqual(await run(task, 'apply_configuration', { raid_config }), [other]);
    const more = { raid_config: target_raid_config, delete_existing: false, create_nonroot_volumes: false };
    assert.deepEqual(await run(task, 'apply_configuration', more), [other, root]);
    await run(task, 'delete_configuration');
    assert.deepEqual(task.node.raid_config, {});
  });

  it('is not made of nothing', async () => {
    await assert.rejects(run(aTask(), 'create_configuration'), MissingParameterValue);
    const nonsense = { raid_config: { logical_disks: [] } };
    await assert.rejects(run(aTask(), 'apply_configuration', nonsense), InvalidParameterValue);
  });
});

describe('vendor passthru', () => {
  const call = async (name: string, body: unknown) => {
    const task = aTask();
    const method = task.driver.vendor.methods?.[name];
    assert.ok(method);
    await method.validate?.(task, body);
    return method.call(task, body);
  };

  it('compares bar', async () => {
    assert.equal(await call('third_method_sync', { bar: 'meow' }), true);
    assert.equal(await call('third_method_sync', { bar: 'baz' }), false);
  });

  it('wants bar and nothing else', async () => {
    await assert.rejects(call('second_method', {}), MissingParameterValue);
    await assert.rejects(call('second_method', null), MissingParameterValue);
    await assert.rejects(call('second_method', []), InvalidParameterValue);
    await assert.rejects(call('second_method', { bar: 'kazoo', zip: 1 }), InvalidParameterValue);
  });

  it('logs names, not values', async () => {
    const task = aTask();
    await task.driver.vendor.methods?.['log_passthrough']?.call(task, { password: 'hunter2' });
    assert.doesNotMatch(JSON.stringify(task.logged), /hunter2/);
    assert.match(JSON.stringify(task.logged), /password/);
  });
});

describe('inspection', () => {
  it('finds nothing', async () => {
    const task = aTask();
    const found = await task.driver.inspect.inspect(task);
    assert.deepEqual(found, { changes: {}, ports: [], inventory: null, pluginData: null });
  });
});
