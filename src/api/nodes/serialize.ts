// A node's row as the JSON of an answer. Each view is compiled once into a list of writers that put the text
// together from the row itself: JSON columns are text already and go in as they are, unless they may hold a secret.
import type { NodeRow } from '#db/tables.ts';
import { stateAsShown } from '#model/provision-states.ts';
import type { FieldRow } from '#model/resource-fields.ts';
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

const views = new Map<string, NodeView>();
/** Sets of fields come from clients, so what is kept of them is bounded. */
const maxViews = 1000;

/** The view of some fields in some microversion. The fields are in the order of the answer. */
export function nodeView(fields: readonly NodeField[], minor: number): NodeView {
  const key = `${minor} ${fields.join(',')}`;
  const known = views.get(key);
  if (known) return known;
  if (views.size >= maxViews) views.clear();
  const view = compile(fields, minor);
  views.set(key, view);
  return view;
}

const fullViews = new Map<number, NodeView>();

/** Everything that a microversion shows of a node. */
export function fullNodeView(minor: number): NodeView {
  const known = fullViews.get(minor);
  if (known) return known;
  const view = nodeView(visibleFields(minor), minor);
  fullViews.set(minor, view);
  return view;
}

type Writer = (row: PartialRow, around: Surroundings) => string;

function compile(fields: readonly NodeField[], minor: number): NodeView {
  const writers = fields.map((name, at) => writer(name, `${at === 0 ? '{' : ','}"${name}":`, minor));
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
function writer(name: NodeField, key: string, minor: number): Writer {
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
      return column(objectWriter(field, key));
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

function objectWriter(field: FieldRow, key: string): (value: string) => string {
  const { masking } = field;
  if (masking === undefined || masking === 'whole') return (value) => key + value;
  const alsoSecret = secretKeys[masking];
  const empty = `${key}{}`;
  return (value) => {
    if (value === '{}') return empty;
    if (!mayHoldSecrets(value)) return key + value;
    return key + JSON.stringify(maskSecrets<unknown>(JSON.parse(value), alsoSecret));
  };
}

const secretKeys = {
  'secret keys': [],
  'driver secret keys': driverSecretKeys,
  'instance secret keys': instanceSecretKeys,
} as const;
