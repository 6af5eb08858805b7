import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InventoryDisk } from './agent-commands.ts';
import { chooseRootDisk, disksMatching, disksNotSkipped } from './root-device.ts';

const gibibyte = 1024 ** 3;

function aDisk(facts: Partial<InventoryDisk> = {}): InventoryDisk {
  return {
    name: '/dev/sda',
    model: 'Fast Disk 500',
    size: 60 * gibibyte,
    rotational: false,
    wwn: '0x5000c500a1b2c3d4',
    serial: 'ABC123',
    vendor: 'Ingot',
    wwn_with_extension: null,
    wwn_vendor_extension: null,
    hctl: '1:0:0:0',
    by_path: '/dev/disk/by-path/pci-0000:00:07.0',
    logical_sectors: 512,
    physical_sectors: 4096,
    tran: 'sata',
    ...facts,
  };
}

function aNode({ root, inInstance, skip }: { root?: unknown; inInstance?: unknown; skip?: unknown }) {
  return {
    uuid: 'node',
    properties: {
      ...(root !== undefined && { root_device: root }),
      ...(skip !== undefined && { skip_block_devices: skip }),
    },
    instance_info: { ...(inInstance !== undefined && { root_device: inInstance }) },
    driver_internal_info: {},
  };
}

/** Hints for the disk above, and whether they name it. */
const cases: [hint: Record<string, unknown>, matches: boolean][] = [
  [{ size: 60 }, true],
  [{ size: '60' }, true],
  [{ size: 61 }, false],
  [{ size: '== 60' }, true],
  [{ size: '= 60' }, true],
  [{ size: '= 59' }, true],
  [{ size: '= 61' }, false],
  [{ size: '!= 60' }, false],
  [{ size: '!= 61' }, true],
  [{ size: '>= 60' }, true],
  [{ size: '>= 61' }, false],
  [{ size: '<= 60' }, true],
  [{ size: '<= 59' }, false],
  [{ size: '> 59' }, true],
  [{ size: '>59' }, true],
  [{ size: '> 60' }, false],
  [{ size: '< 61' }, true],
  [{ size: '< 60' }, false],
  [{ size: '<or> 20 <or> 60' }, true],
  [{ size: '<or> 20 <or> 61' }, false],
  [{ model: 'fast disk 500' }, true],
  [{ model: 'FAST DISK 500' }, true],
  [{ model: 'fast disk' }, false],
  [{ model: 's== Fast Disk 500' }, true],
  [{ model: 's!= Fast Disk 500' }, false],
  [{ model: 's!= other' }, true],
  [{ model: 's>= fast' }, true],
  [{ model: 's>= slow' }, false],
  [{ model: 's> fast' }, true],
  [{ model: 's<= slow' }, true],
  [{ model: 's<= aged' }, false],
  [{ model: 's< slow' }, true],
  [{ model: '<in> disk' }, true],
  [{ model: '<in> disk 5' }, true],
  [{ model: '<in> tape' }, false],
  [{ model: '<all-in> fast 500' }, true],
  [{ model: '<all-in> fast tape' }, false],
  [{ model: '<all-in> fast disk <all-in> 500' }, true],
  [{ model: '<or> slow disk <or> fast disk 500' }, true],
  [{ model: '<or> slow disk <or> tape' }, false],
  [{ model: '== 500' }, false],
  [{ model: '!= 500' }, false],
  [{ rotational: false }, true],
  [{ rotational: 'no' }, true],
  [{ rotational: 'True' }, false],
  [{ serial: 'abc123' }, true],
  [{ wwn: '0x5000C500A1B2C3D4' }, true],
  [{ wwn_with_extension: '0x5000c500a1b2c3d4' }, false],
  [{ vendor: 'ingot' }, true],
  [{ name: '/dev/sda' }, true],
  [{ name: '<or> /dev/sdb <or> /dev/sda' }, true],
  [{ hctl: '1:0:0:0' }, true],
  [{ by_path: '/dev/disk/by-path/pci-0000:00:07.0' }, true],
  [{ tran: 's== sata' }, true],
  [{ size: '>= 50', rotational: false, vendor: 'ingot' }, true],
  [{ size: '>= 50', rotational: true, vendor: 'ingot' }, false],
];

for (const [hint, matches] of cases)
  test(`the hint ${JSON.stringify(hint)} ${matches ? 'names' : 'does not name'} the disk`, () => {
    assert.equal(disksMatching([aDisk()], hint).length === 1, matches);
  });

const invalid: unknown[] = [
  { colour: 'red' },
  { constructor: 'x' },
  { size: 'large' },
  { size: -1 },
  { size: 0 },
  { size: '>= ' },
  { size: 1.5 },
  { model: '' },
  { model: 7 },
  { rotational: 'perhaps' },
  'text',
  ['list'],
];

for (const hints of invalid)
  test(`the hint ${JSON.stringify(hints)} is refused`, () => {
    assert.throws(() => disksMatching([aDisk()], hints), { name: 'NoSuchDisk' });
  });

test('without hints the smallest disk of at least 4 GiB is taken', () => {
  const disks = [
    aDisk({ name: '/dev/sda' }),
    aDisk({ name: '/dev/sdb', size: 4 * gibibyte }),
    aDisk({ name: '/dev/sdc', size: gibibyte }),
  ];
  assert.equal(chooseRootDisk(disks, null).name, '/dev/sdb');
  assert.equal(chooseRootDisk(disks, aNode({ root: {} })).name, '/dev/sdb');
  assert.throws(
    () => chooseRootDisk([aDisk({ size: gibibyte })], null),
    /no disk is of at least 4294967296 bytes.*\/dev\/sda \(Fast Disk 500, ABC123, 1073741824 bytes\)/,
  );
  assert.throws(() => chooseRootDisk([], null), /this machine has no disks/);
});

test('hints of the instance go before those of the node', () => {
  const disks = [aDisk(), aDisk({ name: '/dev/sdb', serial: 'B' })];
  const node = aNode({ root: { serial: 'ABC123' }, inInstance: { serial: 'B' } });
  assert.equal(chooseRootDisk(disks, node).name, '/dev/sdb');
});

test('hints that no disk matches are named with the disks there are', () => {
  assert.throws(
    () => chooseRootDisk([aDisk()], aNode({ root: { serial: 'X' } })),
    /matches the root device hints {"serial":"X"}; this machine has \/dev\/sda/,
  );
});

test('the skip list takes disks out, and leaves volumes to RAID controllers', () => {
  const disks = [aDisk(), aDisk({ name: '/dev/sdb', serial: 'B' })];
  const node = aNode({ skip: [{ serial: 'B' }, { volume_name: 'large' }] });
  assert.deepEqual(
    disksNotSkipped(disks, node).map(({ name }) => name),
    ['/dev/sda'],
  );
  assert.throws(() => disksNotSkipped(disks, aNode({ skip: 'all' })), /not a list/);
});
