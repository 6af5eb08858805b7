// The directory tree of an image and the names its entries get in each of the two name spaces.
import { IsoInputInvalid } from './errors.ts';
import type { IsoSource } from './source.ts';

export interface IsoFile {
  kind: 'file';
  name: string;
  source: IsoSource;
  /** Name in the primary tree, for readers that know neither Rock Ridge nor Joliet. */
  primaryName: string;
}

export interface IsoDirectory {
  kind: 'directory';
  name: string;
  primaryName: string;
  parent: IsoDirectory | null;
  children: Map<string, IsoEntry>;
}

export type IsoEntry = IsoFile | IsoDirectory;

/** ECMA-119 §6.8.2.1: eight levels, the root being the first; deeper needs Rock Ridge's relocation. */
const maxDirectoryLevels = 8;
/** Joliet §6: 64 characters. */
const maxNameCharacters = 64;
/** What a directory record of 254 bytes has left for a Rock Ridge name, with every other entry in it. */
const maxNameBytes = 144;
/** ECMA-119 §10.2: interchange level 2 and above. */
const maxPrimaryName = 31;

/** The tree of `files`, whatever order they come in. Throws IsoInputInvalid naming the path it cannot carry. */
export function buildTree(files: readonly { path: string; source: IsoSource }[]): IsoDirectory {
  const root: IsoDirectory = {
    kind: 'directory',
    name: '',
    primaryName: '',
    parent: null,
    children: new Map(),
  };
  for (const { path, source } of files) {
    const names = path.split('/');
    const fileName = names.pop() ?? '';
    if (names.length >= maxDirectoryLevels) throw invalidPath(path, 'it lies more than seven folders deep');
    const directory = names.reduce((parent, name) => enterDirectory(parent, name, path), root);
    checkName(fileName, path);
    if (directory.children.has(fileName)) throw invalidPath(path, 'its name is already taken');
    directory.children.set(fileName, { kind: 'file', name: fileName, source, primaryName: '' });
  }
  namePrimary(root);
  return root;
}

function enterDirectory(parent: IsoDirectory, name: string, path: string): IsoDirectory {
  checkName(name, path);
  const existing = parent.children.get(name);
  if (existing?.kind === 'file') throw invalidPath(path, `${name} is a file`);
  if (existing !== undefined) return existing;
  const directory: IsoDirectory = { kind: 'directory', name, primaryName: '', parent, children: new Map() };
  parent.children.set(name, directory);
  return directory;
}

function checkName(name: string, path: string): void {
  if (name === '' || name === '.' || name === '..') throw invalidPath(path, 'a part of it is empty, . or ..');
  // Joliet §6 forbids these; control characters would break whoever prints the name.
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001F\u007F*/:;?\\]/.test(name) || !name.isWellFormed()) {
    throw invalidPath(path, 'a name may not hold control characters or any of * / : ; ? \\');
  }
  if (name.length > maxNameCharacters || Buffer.byteLength(name) > maxNameBytes) {
    throw invalidPath(
      path,
      `a name may have ${maxNameCharacters} characters and ${maxNameBytes} bytes at most`,
    );
  }
}

function invalidPath(path: string, reason: string): IsoInputInvalid {
  return new IsoInputInvalid(`cannot put ${JSON.stringify(path)} into an ISO image: ${reason}`);
}

/** Puts entries in the order of their real names and names them in it, so that the order of the input is forgotten. */
function namePrimary(directory: IsoDirectory): void {
  const taken = new Set<string>();
  directory.children = new Map(sortedBy([...directory.children], ([name]) => name));
  for (const entry of directory.children.values()) {
    entry.primaryName = freePrimaryName(entry, taken);
    taken.add(entry.primaryName);
    if (entry.kind === 'directory') namePrimary(entry);
  }
}

function freePrimaryName(entry: IsoEntry, taken: ReadonlySet<string>): string {
  const dot = entry.kind === 'file' ? entry.name.lastIndexOf('.') : -1;
  const stem = allowedCharacters(dot < 0 ? entry.name : entry.name.slice(0, dot));
  const extension = dot < 0 ? '' : allowedCharacters(entry.name.slice(dot + 1)).slice(0, 8);
  const ending = entry.kind === 'file' ? `.${extension}` : '';
  for (let number = 0; ; number += 1) {
    const suffix = number === 0 ? '' : `_${number}`;
    const name = stem.slice(0, maxPrimaryName - ending.length - suffix.length) + suffix + ending;
    if (!taken.has(name)) return name;
  }
}

/** ECMA-119 §7.4.1: the d-characters. */
function allowedCharacters(text: string): string {
  return text.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
}

/** Sorted by code units, which no locale changes. */
export function sortedBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : Number(left > right);
  });
}
