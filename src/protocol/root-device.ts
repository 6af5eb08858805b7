// Which disk an image is written to: root device hints, with every operator, as ironic-lib matches them
// (ironic device_hints.py, oslo.utils specs_matcher; spec agent-api.json#/agent_side/root_device_hints).
import { isJsonObject } from '#model/json-object.ts';
import type { AgentNode, InventoryDisk } from './agent-commands.ts';

/** No disk is the one that was asked for, or what was asked for cannot be understood. */
export class NoSuchDisk extends Error {
  override readonly name = 'NoSuchDisk';
}

const gibibyte = 1024 ** 3;
/** Without a hint nothing smaller is taken for a disk to install on. */
const minimumRootDisk = 4 * gibibyte;

const hintKinds = {
  size: 'integer',
  model: 'text',
  wwn: 'text',
  serial: 'text',
  vendor: 'text',
  wwn_with_extension: 'text',
  wwn_vendor_extension: 'text',
  name: 'text',
  rotational: 'boolean',
  hctl: 'text',
  by_path: 'text',
  tran: 'text',
} as const satisfies Partial<Record<keyof InventoryDisk, 'integer' | 'text' | 'boolean'>>;
type HintName = keyof typeof hintKinds;

/** The members of a node that name disks. */
type Hinted = Pick<AgentNode, 'instance_info' | 'properties'>;

/** A disk's value against the values of the hint; both are quoted and in lower case. */
type Matcher = (actual: string, wanted: string[]) => boolean;

const number =
  (holds: (actual: number, wanted: number) => boolean): Matcher =>
  (actual, [wanted]) =>
    // A text that is no number is never equal to one, nor unequal: NaN would make != hold for every disk.
    !Number.isNaN(toNumber(actual)) &&
    !Number.isNaN(toNumber(wanted)) &&
    holds(toNumber(actual), toNumber(wanted));
const text =
  (holds: (actual: string, wanted: string) => boolean): Matcher =>
  (actual, [wanted]) =>
    wanted !== undefined && holds(actual, wanted);
const toNumber = (value: string | undefined) => (value === undefined || value === '' ? NaN : Number(value));

/** Longer operators first, so that `s==` is not read as `s=` and `<=` not as `<`. */
const operators: Record<string, Matcher> = {
  '<all-in>': (actual, wanted) => wanted.every((part) => actual.includes(part)),
  '<in>': text((actual, wanted) => actual.includes(wanted)),
  '<or>': (actual, wanted) => wanted.includes(actual),
  's==': text((actual, wanted) => actual === wanted),
  's!=': text((actual, wanted) => actual !== wanted),
  's>=': text((actual, wanted) => actual >= wanted),
  's<=': text((actual, wanted) => actual <= wanted),
  's>': text((actual, wanted) => actual > wanted),
  's<': text((actual, wanted) => actual < wanted),
  '==': number((actual, wanted) => actual === wanted),
  '!=': number((actual, wanted) => actual !== wanted),
  '>=': number((actual, wanted) => actual >= wanted),
  '<=': number((actual, wanted) => actual <= wanted),
  '>': number((actual, wanted) => actual > wanted),
  '<': number((actual, wanted) => actual < wanted),
  // Kept by specs_matcher from the days when it meant "at least".
  '=': number((actual, wanted) => actual >= wanted),
};

/**
 * The disk of `disks` to install on: the first that all hints of the node name, or without hints the smallest of
 * at least 4 GiB. instance_info.root_device goes before properties.root_device.
 * @throws NoSuchDisk when there is none, also for a hint that cannot be understood.
 */
export function chooseRootDisk(disks: readonly InventoryDisk[], node: Hinted | null): InventoryDisk {
  const hints = node?.instance_info['root_device'] ?? node?.properties['root_device'];
  if (isEmptyHint(hints)) return guessRootDisk(disks);
  const found = disksMatching(disks, hints)[0];
  if (found) return found;
  throw new NoSuchDisk(
    `No disk matches the root device hints ${JSON.stringify(hints)}; this machine has ${describeDisks(disks)}`,
  );
}

/** The disks that `hints` names. @throws NoSuchDisk */
export function disksMatching(disks: readonly InventoryDisk[], hints: unknown): InventoryDisk[] {
  if (!isJsonObject(hints))
    throw new NoSuchDisk(`Root device hints are an object of hints, not ${JSON.stringify(hints)}`);
  const tests = Object.entries(hints).map(([name, value]) => parseHint(name, value));
  return disks.filter((disk) => tests.every((test) => test(disk)));
}

/** The disks that are not in the node's properties.skip_block_devices. @throws NoSuchDisk */
export function disksNotSkipped(disks: readonly InventoryDisk[], node: Hinted | null): InventoryDisk[] {
  const list = node?.properties['skip_block_devices'] ?? [];
  if (!Array.isArray(list))
    throw new NoSuchDisk('properties.skip_block_devices is not a list of root device hints');
  const skipped = new Set(
    list
      // A hint of a volume's name is for RAID controllers: it names no disk seen here.
      .filter((hints: unknown) => !(typeof hints === 'object' && hints !== null && 'volume_name' in hints))
      .flatMap((hints: unknown) => disksMatching(disks, hints)),
  );
  return disks.filter((disk) => !skipped.has(disk));
}

function guessRootDisk(disks: readonly InventoryDisk[]): InventoryDisk {
  const bySize = disks.toSorted((a, b) => a.size - b.size);
  const found = bySize.find((disk) => disk.size >= minimumRootDisk);
  if (found) return found;
  throw new NoSuchDisk(
    `No root device hints were given and no disk is of at least ${minimumRootDisk} bytes; this machine has ${describeDisks(disks)}`,
  );
}

function parseHint(name: string, value: unknown): (disk: InventoryDisk) => boolean {
  if (!isHintName(name)) throw new NoSuchDisk(`"${name}" is not a root device hint`);
  const kind = hintKinds[name];
  switch (kind) {
    case 'boolean': {
      const wanted = parseBoolean(name, value);
      return (disk) => disk[name as 'rotational'] === wanted; // the only hint of this kind
    }
    case 'integer':
    case 'text': {
      const { operator, values } = parseExpression(name, value, kind);
      const matches = operators[operator];
      return (disk) => {
        const actual = name === 'size' ? String(disk.size / gibibyte) : disk[name];
        return (
          actual !== undefined &&
          actual !== null &&
          actual !== '' &&
          matches?.(quote(String(actual)), values) === true
        );
      };
    }
  }
}

function parseExpression(name: string, value: unknown, kind: 'integer' | 'text') {
  if (typeof value !== 'string' && !(kind === 'integer' && typeof value === 'number'))
    throw new NoSuchDisk(`The root device hint ${name} is not a text: ${JSON.stringify(value)}`);
  const expression = String(value).trim().toLowerCase();
  // An operator of letters or words must stand alone; ">60" is read as "> 60", as pyparsing does.
  const given = Object.keys(operators).find((candidate) => expression.startsWith(candidate));
  const operator = given ?? (kind === 'text' ? 's==' : '==');
  const rest = given === undefined ? expression : expression.slice(given.length);
  const values = (given?.startsWith('<') && given.endsWith('>') ? splitCollection(given, rest) : [rest])
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (values.length === 0) throw new NoSuchDisk(`The root device hint ${name} has no value`);
  if (kind === 'integer' && !values.every((part) => /^[1-9]\d*$/.test(part)))
    throw new NoSuchDisk(`The root device hint ${name} is not a positive whole number: "${expression}"`);
  return { operator, values: values.map(quote) };
}

/** "<or> a <or> b" and "<all-in> a b": values follow one operator, or each its own. */
function splitCollection(operator: string, rest: string): string[] {
  const parts = rest.split(operator);
  return operator === '<all-in>' && parts.length === 1 ? rest.trim().split(/\s+/) : parts;
}

/** Quotes as Python's urllib.parse.quote, in which both sides are compared: the order of s< depends on it. */
function quote(value: string): string {
  return encodeURIComponent(value.trim().toLowerCase())
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function parseBoolean(name: string, value: unknown): boolean {
  const text = String(value).trim().toLowerCase();
  if (['true', 't', 'yes', 'y', 'on', '1'].includes(text)) return true;
  if (['false', 'f', 'no', 'n', 'off', '0'].includes(text)) return false;
  throw new NoSuchDisk(`The root device hint ${name} is neither true nor false: "${text}"`);
}

function isHintName(name: string): name is HintName {
  return Object.hasOwn(hintKinds, name);
}

function isEmptyHint(hints: unknown): boolean {
  return (
    hints === undefined || hints === null || (typeof hints === 'object' && Object.keys(hints).length === 0)
  );
}

function describeDisks(disks: readonly InventoryDisk[]): string {
  if (disks.length === 0) return 'no disks';
  return disks
    .map((disk) => `${disk.name} (${disk.model}, ${disk.serial ?? 'no serial'}, ${disk.size} bytes)`)
    .join(', ');
}
