import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidParameterValue, UnsupportedDriverExtension } from '#model/faults.ts';
import { aTask } from '../testing/a-task.ts';

describe('noop management', () => {
  it('agrees to what the machine does anyway', async () => {
    const task = aTask({ node: { management_interface: 'noop' } });
    const { management } = task.driver;
    for (const device of await management.supportedBootDevices(task))
      await management.setBootDevice(task, device, { persistent: true });
    assert.deepEqual(await management.getBootDevice(task), { boot_device: 'pxe', persistent: true });
  });

  it('refuses what it does not', async () => {
    const task = aTask({ node: { management_interface: 'noop' } });
    await assert.rejects(
      task.driver.management.setBootDevice(task, 'cdrom', { persistent: false }),
      InvalidParameterValue,
    );
  });
});

describe('no-inspect', () => {
  it('inspects nothing and says so', async () => {
    const task = aTask({ node: { inspect_interface: 'no-inspect' } });
    await assert.rejects(task.driver.inspect.inspect(task), UnsupportedDriverExtension);
  });
});

describe('noop storage', () => {
  it('leaves the image to the disks of the machine', () => {
    const task = aTask({ node: { storage_interface: 'noop' } });
    assert.equal(task.driver.storage.shouldWriteImage(task), true);
  });
});
