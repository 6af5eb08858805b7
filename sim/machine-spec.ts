// Reads the description of a machine that comes over the wire.
import { BadRequest } from './errors.ts';
import type { MachineSpec } from './sim.ts';

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const textOrNull: Check = (value) => value === null || typeof value === 'string';
const positive: Check = (value) => Number.isSafeInteger(value) && Number(value) > 0;
const truth: Check = (value) => typeof value === 'boolean';
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const objectOf =
  (members: Record<string, Check>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([name, member]) => members[name]?.(member) === true);

const members: Record<string, [check: Check, expected: string]> = {
  kind: [oneOf('memory', 'process'), '"memory" or "process"'],
  // It names a folder, too.
  name: [
    (value) => typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(value),
    'letters, digits, "-", "_" and "."',
  ],
  uuid: [
    (value) => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
    'a UUID',
  ],
  macs: [
    listOf((value) => typeof value === 'string' && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(value)),
    'a list of MAC addresses',
  ],
  hardware: [
    objectOf({
      manufacturer: text,
      model: text,
      biosVersion: text,
      cpuModel: text,
      cpus: positive,
      architecture: oneOf('x86_64', 'aarch64'),
      memoryMiB: positive,
      nics: positive,
    }),
    'an object of manufacturer, model, biosVersion, cpuModel, cpus, architecture, memoryMiB, nics',
  ],
  disks: [
    listOf(
      objectOf({
        sizeBytes: positive,
        model: text,
        vendor: textOrNull,
        rotational: truth,
        tran: textOrNull,
        logicalSectors: positive,
        readOnly: truth,
        serial: textOrNull,
        wwn: textOrNull,
      }),
    ),
    'a list of objects of sizeBytes, model, vendor, rotational, tran, logicalSectors, readOnly, serial, wwn',
  ],
};

/** Throws BadRequest that names the member which is wrong. */
export function parseMachineSpec(body: Record<string, unknown>): MachineSpec {
  for (const [name, value] of Object.entries(body)) {
    const member = members[name];
    if (!member) throw new BadRequest(`A machine has no "${name}".`);
    const [check, expected] = member;
    if (!check(value)) throw new BadRequest(`A machine's "${name}" must be ${expected}.`);
  }
  return body; // every member was checked against its type
}
