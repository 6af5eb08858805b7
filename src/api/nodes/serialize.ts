// A node's row as the JSON of an answer. Each view is compiled once into a list of writers that put the text
// together from the row itself: JSON columns are text already and go in as they are, unless they may hold a secret.
import type { NodeRow } from '#db/tables.ts';
import { stateAsShown } from '#model/provision-states.ts';
import type { FieldMasking, FieldRow } from '#model/resource-fields.ts';
import { driverSecretKeys, instanceSecretKeys, maskSecrets } from '#model/secrets.ts';
import { allNodeFields, nodeField, type NodeField } from '#model/node-fields.ts';
import { linksText } from '../links.ts';

/** What a row does not say by itself. */
export interface Surroundings {
  readonly baseUrl: string;
  /** The host name of the node's conductor; asked only where the view shows it. */
  readonly conductor: string | null;
}

/** Any columns of a row: those that the view's fields need. */
export type PartialRow = Partial<NodeRow> & { uuid: string };

export interface NodeView {
  readonly fields: readonly NodeField[];
  /** The columns that the text is made of. */
  readonly columns: readonly (keyof NodeRow)[];
  readonly showsConductor: boolean;
  /** The JSON text of one node. */
  text(row: PartialRow, around: Surroundings): string;
}

/** The fields that an answer of a microversion has when none are chosen. */
export function visibleFields(minor: number): readonly NodeField[] {
  return allNodeFields.filter((name) => nodeField(name).since <= minor);
}

/** Sets of fields come from clients, so what is kept of them is bounded. */
const maxViews = 1000;

/** The views of one API, each compiled when it is first asked for. */
export class NodeViews {
  readonly #chosen = new Map<string, NodeView>();
  readonly #full = new Map<number, NodeView>();
  readonly #maskings: Maskings = {
    'secret keys': masking([]),
    'driver secret keys': masking(driverSecretKeys),
    'instance secret keys': masking(instanceSecretKeys),
  };

  /** The view of some fields in some microversion. The fields are in the order of the answer. */
  of(fields: readonly NodeField[], minor: number): NodeView {
    const key = `${minor} ${fields.join(',')}`;
    const known = this.#chosen.get(key);
    if (known) return known;
    if (this.#chosen.size >= maxViews) this.#chosen.clear();
    const view = compile(fields, minor, this.#maskings);
    this.#chosen.set(key, view);
    return view;
  }

  /** Everything that a microversion shows of a node. */
  full(minor: number): NodeView {
    const known = this.#full.get(minor);
    if (known) return known;
    const view = compile(visibleFields(minor), minor, this.#maskings);
    this.#full.set(minor, view);
    return view;
  }
}

/** Masks the JSON text of an object. */
type Masking = (jsonText: string) => string;
type Maskings = Readonly<Record<Exclude<FieldMasking, 'whole'>, Masking>>;

type Writer = (row: PartialRow, around: Surroundings) => string;

function compile(fields: readonly NodeField[], minor: number, maskings: Maskings): NodeView {
  const writers = fields.map((name, at) =>
    writer(name, `${at === 0 ? '{' : ','}"${name}":`, minor, maskings),
  );
  const columns = new Set<keyof NodeRow>(['uuid']);
  for (const name of fields) for (const column of columnsOf(name)) columns.add(column);
  return {
    fields,
    columns: [...columns],
    showsConductor: fields.includes('conductor'),
    text: (row, around) => {
      if (writers.length === 0) return '{}';
      let text = '';
      for (const write of writers) text += write(row, around);
      return `${text}}`;
    },
  };
}

function columnsOf(name: NodeField): readonly (keyof NodeRow)[] {
  if (name === 'conductor') return ['conductor_group', 'driver'];
  return isColumn(name) ? [name] : [];
}

function isColumn(name: NodeField): name is NodeField & keyof NodeRow {
  return nodeField(name).origin !== 'links' && name !== 'conductor';
}

/** What writes a field; `key` is what stands before its value. */
function writer(name: NodeField, key: string, minor: number, maskings: Maskings): Writer {
  if (name === 'conductor') return (_row, around) => key + JSON.stringify(around.conductor);
  if (!isColumn(name)) return linksWriter(name, key);
  if (name === 'provision_state') return stateWriter(key, minor);
  const field = nodeField(name);
  // The field's type says what its column holds (db/tables.ts nodeColumns); null is the same for all.
  const column = (write: (value: never) => string): Writer => {
    const absent = `${key}null`;
    return (row) => {
      const value = row[name];
      return value === null || value === undefined ? absent : write(value as never);
    };
  };
  switch (field.type) {
    case 'boolean':
      return column((value: number) => `${key}${value === 1 ? 'true' : 'false'}`);
    case 'datetime':
      // The wire has whole seconds.
      return column((value: string) => `${key}"${value.slice(0, 19)}+00:00"`);
    case 'uuid':
      return column((value: string) => `${key}"${value}"`);
    case 'object':
    case 'strings':
      return column(objectWriter(field, key, maskings));
    case 'string':
    case 'mac':
      return column(textWriter(name, key));
    case 'links':
      return linksWriter(name, key);
  }
}

function linksWriter(name: NodeField, key: string): Writer {
  const below = name === 'links' ? '' : `/${name}`;
  return (row, around) => key + linksText(around.baseUrl, `nodes/${row.uuid}${below}`);
}

function stateWriter(key: string, minor: number): Writer {
  return (row) => {
    const state = stateAsShown(row.provision_state ?? null, minor);
    return state === null ? `${key}null` : `${key}"${state}"`;
  };
}

/** Fields whose values repeat from node to node, so that their text is worth keeping. */
const fewValued = new Set<NodeField>([
  ...allNodeFields.filter((name) => name.endsWith('_interface')),
  'boot_mode',
  'conductor_group',
  'driver',
  'fault',
  'health',
  'owner',
  'power_state',
  'reservation',
  'resource_class',
  'shard',
  'target_power_state',
  'target_provision_state',
]);
const maxKept = 200;

function textWriter(name: NodeField, key: string): (value: string) => string {
  if (!fewValued.has(name)) return (value) => key + JSON.stringify(value);
  const kept = new Map<string, string>();
  return (value) => {
    const known = kept.get(value);
    if (known !== undefined) return known;
    const text = key + JSON.stringify(value);
    if (kept.size < maxKept) kept.set(value, text);
    return text;
  };
}

/**
 * Something that every secret key contains, so that a text without it needs no masking (model/secrets.ts; a test
 * holds them together). The letters at the end become ASCII ones in lower case.
 */
const secretHint =
  /pass|token|secret|key|pswd|configdrive|fsid|cookie|credential|suffix|image_url|[\u212a\u0130]/i;

export function mayHoldSecrets(jsonText: string): boolean {
  return secretHint.test(jsonText);
}

function objectWriter(field: FieldRow, key: string, maskings: Maskings): (value: string) => string {
  if (field.masking === undefined || field.masking === 'whole') return (value) => key + value;
  const mask = maskings[field.masking];
  const empty = `${key}{}`;
  return (value) => (value === '{}' ? empty : key + mask(value));
}

/** How many masked texts are kept, and how long one may be: what a page of detail needs again and again. */
const keptMasked = { texts: 5000, length: 4096 } as const;

/** A text that was masked before is not parsed again. */
function masking(alsoSecret: readonly string[]): Masking {
  const kept = new Map<string, string>();
  return (value) => {
    const known = kept.get(value);
    if (known !== undefined) return known;
    if (!mayHoldSecrets(value)) return value;
    const masked = JSON.stringify(maskSecrets<unknown>(JSON.parse(value), alsoSecret));
    if (value.length > keptMasked.length) return masked;
    if (kept.size >= keptMasked.texts) kept.clear();
    kept.set(value, masked);
    return masked;
  };
}
