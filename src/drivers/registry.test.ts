import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '#config/config-error.ts';
import type { Settings } from '#config/settings.ts';
import { DriverNotFound, UnsupportedDriverExtension } from '#model/faults.ts';
import { interfaceTypes } from '#model/power-states.ts';
import { defineHardwareType, type DriverPackage, type HardwareType } from './define.ts';
import { DuplicateDriver } from './installed.ts';
import { createDriverRegistry } from './registry.ts';
import { someSettings, testPackages } from './testing/a-task.ts';

const supported: HardwareType['supported'] = {
  power: ['fake'],
  management: ['fake', 'noop'],
  boot: ['ipxe', 'fake'],
  deploy: ['direct', 'fake'],
  inspect: ['fake', 'no-inspect'],
  bios: ['no-bios', 'fake'],
  raid: ['no-raid'],
  firmware: ['no-firmware'],
  console: ['ipmitool-socat', 'no-console'],
  network: ['noop'],
  rescue: ['no-rescue'],
  storage: ['noop'],
  vendor: ['no-vendor'],
};
/** A hardware type that is strict about what it takes, and knows interfaces that nobody brings. */
const strict: DriverPackage = {
  hardwareTypes: [defineHardwareType({ name: 'strict', supported })],
  implementations: {},
};
const packages = [...testPackages, strict];

function registry(overrides: Partial<Settings['DEFAULT']> = {}) {
  return createDriverRegistry(someSettings({ DEFAULT: { ...overrides } }), packages);
}

describe('default interfaces', () => {
  const rows: [
    says: string,
    settings: Partial<Settings['DEFAULT']>,
    driver: string,
    type: 'bios' | 'boot',
    name: string,
  ][] = [
    ['the first of the preferences that is enabled', {}, 'strict', 'bios', 'no-bios'],
    [
      'a preference that is not enabled is passed over',
      { enabled_bios_interfaces: ['fake'] },
      'strict',
      'bios',
      'fake',
    ],
    ['a preference that is not installed is passed over', {}, 'strict', 'boot', 'fake'],
    [
      'the order of enabling does not matter',
      { enabled_bios_interfaces: ['fake', 'no-bios'] },
      'strict',
      'bios',
      'no-bios',
    ],
    ['the configured default goes first', { default_bios_interface: 'fake' }, 'strict', 'bios', 'fake'],
    ['an empty default is none', { default_bios_interface: '' }, 'strict', 'bios', 'no-bios'],
    ['fake-hardware prefers its fakes', {}, 'fake-hardware', 'bios', 'fake'],
    [
      'nothing enabled: the best of each hardware type',
      { enabled_bios_interfaces: [] },
      'strict',
      'bios',
      'no-bios',
    ],
  ];
  for (const [says, overrides, driver, type, name] of rows)
    it(says, () => {
      const drivers = registry({ enabled_hardware_types: ['strict', 'fake-hardware'], ...overrides });
      assert.equal(drivers.offered(driver)[type].default, name);
    });

  it('nothing enabled means what is best for each hardware type, and no more', () => {
    const drivers = registry({ enabled_hardware_types: ['strict'], enabled_management_interfaces: [] });
    assert.deepEqual(drivers.offered('strict').management, { default: 'fake', enabled: ['fake'] });
  });
});

describe('a configuration that cannot be used stops the start', () => {
  const rows: [says: string, settings: Partial<Settings['DEFAULT']>, option: string, message: RegExp][] = [
    [
      'no hardware type',
      { enabled_hardware_types: [] },
      'enabled_hardware_types',
      /enables no hardware type/,
    ],
    [
      'only unknown ones',
      { enabled_hardware_types: ['ipmi'] },
      'enabled_hardware_types',
      /names ipmi: not part/,
    ],
    [
      'an interface type without any that the hardware type supports',
      { enabled_raid_interfaces: ['fake'] },
      'enabled_raid_interfaces',
      /no raid interface for the hardware type strict, which supports no-raid/,
    ],
    [
      'a default that is not enabled',
      { default_bios_interface: 'fake', enabled_bios_interfaces: ['no-bios'] },
      'default_bios_interface',
      /is 'fake', which \[DEFAULT\] enabled_bios_interfaces does not enable/,
    ],
    [
      'a default that a hardware type does not support',
      { default_raid_interface: 'fake' },
      'default_raid_interface',
      /is 'fake', which the enabled hardware type strict does not support/,
    ],
  ];
  for (const [says, overrides, option, message] of rows)
    it(says, () => {
      assert.throws(
        () => registry({ enabled_hardware_types: ['strict'], ...overrides }),
        (error) => error instanceof ConfigError && error.option === option && message.test(error.message),
      );
    });

  it('two packages of one name', () => {
    assert.throws(() => createDriverRegistry(someSettings(), [...packages, strict]), DuplicateDriver);
  });
});

describe('what is enabled and not installed', () => {
  it('is warned of and left out', () => {
    const { hardwareTypes, implementations, warnings } = registry({
      enabled_hardware_types: ['ipmi', 'fake-hardware'],
      enabled_boot_interfaces: ['ipxe', 'pxe', 'fake'],
    });
    assert.deepEqual(hardwareTypes, ['fake-hardware']);
    assert.deepEqual([...implementations.boot.keys()], ['fake']);
    assert.deepEqual(warnings, [
      '[DEFAULT] enabled_hardware_types names ipmi: not part of this installation, left out.',
      '[DEFAULT] enabled_boot_interfaces names ipxe, pxe: not part of this installation, left out.',
    ]);
  });

  it('as a default gives way to the first enabled', () => {
    const drivers = registry({
      enabled_boot_interfaces: ['ipxe', 'fake'],
      default_boot_interface: 'ipxe',
    });
    assert.equal(drivers.offered('fake-hardware').boot.default, 'fake');
  });

  it('takes a hardware type with it that has nothing else', () => {
    const { hardwareTypes, warnings } = registry({
      enabled_hardware_types: ['strict', 'fake-hardware'],
      enabled_console_interfaces: ['ipmitool-socat', 'fake'],
    });
    assert.deepEqual(hardwareTypes, ['fake-hardware']);
    assert.match(warnings.at(-1) ?? '', /strict is left out: of its console interfaces/);
  });
});

describe('what a registry tells', () => {
  it('the details of GET /v1/drivers/{name}, with what is enabled and supported only', () => {
    const details = registry().details('fake-hardware');
    assert.equal(details.default_network_interface, 'noop');
    assert.deepEqual(details.enabled_management_interfaces, ['fake']);
    assert.equal(Object.keys(details).length, interfaceTypes.length * 2);
  });

  it('a row per hardware type, interface type and name, one of them the default', () => {
    const rows = registry({ enabled_hardware_types: ['strict', 'fake-hardware'] }).registrations();
    for (const driver of ['strict', 'fake-hardware'])
      for (const type of interfaceTypes) {
        const own = rows.filter((row) => row.hardware_type === driver && row.interface_type === type);
        assert.equal(own.filter((row) => row.is_default).length, 1, `${driver} ${type}`);
        assert.equal(new Set(own.map((row) => row.interface_name)).size, own.length);
      }
  });

  it('a default is registered even where only takesAnyInterface makes it fit', () => {
    const found = registry({ default_management_interface: 'noop' })
      .registrations()
      .filter((row) => row.interface_type === 'management');
    assert.deepEqual(
      found.map((row) => [row.interface_name, row.is_default]),
      [
        ['fake', false],
        ['noop', true],
      ],
    );
  });

  it('the properties of the default interfaces', () => {
    assert.deepEqual(Object.keys(registry().properties('fake-hardware')), ['B1', 'B2']);
    assert.deepEqual(registry({ default_vendor_interface: 'no-vendor' }).properties('fake-hardware'), {});
  });

  it('the properties of logical disks, where there is RAID', () => {
    assert.ok('raid_level' in registry().logicalDiskProperties('fake-hardware'));
    const without = registry({ default_raid_interface: 'no-raid' });
    assert.throws(() => without.logicalDiskProperties('fake-hardware'), UnsupportedDriverExtension);
  });

  it('nothing of a hardware type that is not enabled', () => {
    const drivers = registry();
    assert.throws(() => drivers.details('strict'), DriverNotFound);
    assert.throws(() => drivers.hardwareType('strict'), DriverNotFound);
    assert.throws(() => drivers.offered('strict'), DriverNotFound);
    assert.throws(() => drivers.properties('strict'), DriverNotFound);
  });
});
