import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DriverNotFound, IncompatibleInterface, InterfaceNotFoundInEntrypoint } from '#model/faults.ts';
import { interfaceTypes } from '#model/power-states.ts';
import { composeDriver, defaultInterfaces, interfacesAfterPatch } from './compose.ts';
import { defineHardwareType, type DriverPackage } from './define.ts';
import { fakeHardware } from './fake/hardware-type.ts';
import { createDriverRegistry } from './registry.ts';
import { aNode, someSettings, testPackages } from './testing/a-task.ts';

/** Like fake-hardware, but it takes only what it supports, and no BIOS. */
const strict: DriverPackage = {
  hardwareTypes: [
    defineHardwareType({ name: 'strict', supported: { ...fakeHardware.supported, bios: ['no-bios'] } }),
  ],
  implementations: {},
};
const registry = createDriverRegistry(
  someSettings({ DEFAULT: { enabled_hardware_types: ['fake-hardware', 'strict'] } }),
  [...testPackages, strict],
);

describe('composeDriver', () => {
  for (const name of registry.hardwareTypes)
    it(`${name} composes with its defaults`, () => {
      const node = aNode({ driver: name, ...defaultInterfaces(registry, name, {}) });
      const driver = composeDriver(registry, node);
      for (const type of interfaceTypes)
        assert.equal(
          driver[type],
          registry.implementations[type].get(registry.offered(name)[type].default),
          type,
        );
    });

  it('takes what the node names, and defaults where it names none', () => {
    const driver = composeDriver(registry, aNode({ bios_interface: 'no-bios' }));
    assert.equal(driver.bios, registry.implementations.bios.get('no-bios'));
    assert.equal(driver.raid, registry.implementations.raid.get('fake'));
  });

  it('takes what the instance names before what the node names', () => {
    const node = aNode({ deploy_interface: 'fake', instance_info: { deploy_interface: 'noop' } });
    assert.equal(composeDriver(registry, node).deploy, registry.implementations.deploy.get('noop'));
  });

  it('fake-hardware takes any interface that is enabled', () => {
    const node = aNode({ management_interface: 'noop' });
    assert.equal(composeDriver(registry, node).management, registry.implementations.management.get('noop'));
  });

  it('refuses a driver that is not enabled', () => {
    assert.throws(() => composeDriver(registry, aNode({ driver: 'ipmi' })), DriverNotFound);
  });

  it('refuses an interface that is not enabled, and says which are', () => {
    assert.throws(
      () => composeDriver(registry, aNode({ boot_interface: 'pxe' })),
      (error) =>
        error instanceof InterfaceNotFoundInEntrypoint && /"pxe".*enabled are: fake/.test(error.message),
    );
  });

  it('refuses an interface that the hardware type does not support', () => {
    const node = aNode({ driver: 'strict', bios_interface: 'fake' });
    assert.throws(() => composeDriver(registry, node), IncompatibleInterface);
  });
});

describe('the interfaces of a new node', () => {
  it('are all filled in', () => {
    const names = defaultInterfaces(registry, 'fake-hardware', {
      bios_interface: 'no-bios',
      raid_interface: null,
    });
    assert.equal(names.bios_interface, 'no-bios');
    assert.equal(names.raid_interface, 'fake');
    assert.deepEqual(
      Object.keys(names).toSorted(),
      interfaceTypes.map((type) => `${type}_interface`).toSorted(),
    );
  });

  for (const name of ['nope', '', 'constructor'])
    it(`are refused with a 400 when one is '${name}'`, () => {
      assert.throws(
        () => defaultInterfaces(registry, 'fake-hardware', { boot_interface: name }),
        (error) => error instanceof InterfaceNotFoundInEntrypoint && error.status === 400,
      );
    });
});

describe('the interfaces of a patched node', () => {
  const node = aNode({
    ...defaultInterfaces(registry, 'fake-hardware', {
      deploy_interface: 'noop',
      console_interface: 'no-console',
    }),
  });

  it('keep what the patch does not name, and default what it takes away', () => {
    const after = interfacesAfterPatch(registry, node, { deploy_interface: null }, { reset: false });
    assert.equal(after.deploy_interface, 'fake');
    assert.equal(after.console_interface, 'no-console');
  });

  it('are refused when the new driver does not take what is kept', () => {
    assert.throws(
      () => interfacesAfterPatch(registry, node, { driver: 'strict' }, { reset: false }),
      IncompatibleInterface,
    );
  });

  it('fall back to defaults with a reset, save those that the patch names', () => {
    const patch = { driver: 'strict', console_interface: 'no-console' };
    const after = interfacesAfterPatch(registry, node, patch, { reset: true });
    assert.equal(after.bios_interface, 'no-bios');
    assert.equal(after.deploy_interface, 'fake');
    assert.equal(after.console_interface, 'no-console');
  });
});
