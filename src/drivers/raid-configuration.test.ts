import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidParameterValue } from '#model/faults.ts';
import { parseRaidConfiguration } from './raid-configuration.ts';

const disk = { raid_level: '1', size_gb: 'MAX' };
const of = (...logical_disks: unknown[]) => ({ logical_disks });

describe('a RAID configuration', () => {
  const taken: [why: string, given: unknown][] = [
    ['of one disk', of(disk)],
    ['with a size', of({ ...disk, size_gb: 1 })],
    [
      'with everything',
      of({
        ...disk,
        is_root_volume: true,
        volume_name: 'root',
        share_physical_disks: false,
        disk_type: 'ssd',
        interface_type: 'sas',
        number_of_physical_disks: 2,
        controller: 'software',
        physical_disks: [{ size: '> 100' }, { size: '> 100' }],
      }),
    ],
  ];
  for (const [why, given] of taken)
    it(`${why} is taken as it is`, () => assert.deepEqual(parseRaidConfiguration(given), given));

  const refused: [why: string, given: unknown, message: RegExp][] = [
    ['nothing', {}, /object of logical_disks/],
    ['no list', { logical_disks: 1 }, /object of logical_disks/],
    ['an empty list', of(), /at least one/],
    ['more than disks', { ...of(disk), more: 1 }, /object of logical_disks/],
    ['a disk that is none', of(disk, 1), /logical_disks\[1\] is not an object/],
    ['a disk without a level', of({ size_gb: 1 }), /lacks raid_level/],
    ['a level that is none', of({ ...disk, raid_level: '3' }), /no such raid_level: "3"/],
    ['no size at all', of({ ...disk, size_gb: 0 }), /size_gb/],
    ['an unknown property', of({ ...disk, colour: 'red' }), /no such colour/],
    ['disks of no controller', of({ ...disk, physical_disks: ['a'] }), /lacks controller/],
    ['two roots', of({ ...disk, is_root_volume: true }, { ...disk, is_root_volume: true }), /More than one/],
  ];
  for (const [why, given, message] of refused)
    it(`is refused for ${why}`, () => {
      assert.throws(
        () => parseRaidConfiguration(given),
        (error) => {
          assert.ok(error instanceof InvalidParameterValue);
          assert.match(error.message, message);
          return true;
        },
      );
    });
});
