// What a node's disks are to be made into: `target_raid_config`, and the argument of the RAID steps
// (spec driver-interfaces.json#/raid; ironic drivers/raid_config_schema.json, 2026.2).
import { InvalidParameterValue } from '#model/faults.ts';
import { isJsonObject, type JsonObject } from '#model/json-object.ts';

export interface RaidConfiguration {
  readonly logical_disks: readonly LogicalDisk[];
}

export type LogicalDisk = JsonObject & { readonly is_root_volume?: boolean };

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);
const countFrom =
  (least: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least;

const properties: Readonly<Record<string, Check>> = {
  raid_level: oneOf('JBOD', '0', '1', '2', '5', '6', '1+0', '5+0', '6+0'),
  size_gb: (value) => value === 'MAX' || countFrom(1)(value),
  volume_name: text,
  is_root_volume: flag,
  share_physical_disks: flag,
  disk_type: oneOf('hdd', 'ssd'),
  interface_type: oneOf('sata', 'scsi', 'sas'),
  number_of_physical_disks: countFrom(1),
  controller: text,
  physical_disks: (value) =>
    Array.isArray(value) && (value.every(text) || (value.length >= 2 && value.every(isJsonObject))),
};
const required = ['raid_level', 'size_gb'];

/** The configuration that a request or a node names. Throws InvalidParameterValue saying where it is wrong. */
export function parseRaidConfiguration(given: unknown): RaidConfiguration {
  const disks = isJsonObject(given) ? given['logical_disks'] : undefined;
  if (!isJsonObject(given) || Object.keys(given).length !== 1 || !Array.isArray(disks) || disks.length === 0)
    throw new InvalidParameterValue('A RAID configuration is an object of logical_disks, at least one.');
  const logical_disks = disks.map(parseDisk);
  if (logical_disks.filter(isRoot).length > 1)
    throw new InvalidParameterValue('More than one of the logical_disks is to be the root volume.');
  return { logical_disks };
}

export const isRoot = (disk: LogicalDisk): boolean => disk.is_root_volume === true;

function parseDisk(given: unknown, index: number): LogicalDisk {
  const place = `logical_disks[${index}]`;
  if (!isJsonObject(given)) throw new InvalidParameterValue(`${place} is not an object.`);
  for (const [name, value] of Object.entries(given))
    if (!(Object.hasOwn(properties, name) && properties[name]?.(value)))
      throw new InvalidParameterValue(
        `${place} has no such ${name}: ${JSON.stringify(value).slice(0, 100)}.`,
      );
  const missing = required.filter((name) => given[name] === undefined);
  if (given['physical_disks'] !== undefined && given['controller'] === undefined) missing.push('controller');
  if (missing.length > 0) throw new InvalidParameterValue(`${place} lacks ${missing.join(', ')}.`);
  return given;
}
