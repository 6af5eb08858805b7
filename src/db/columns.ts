// How a record's members are kept in columns: the same on every database, so that one query serves all.

/** `boolean`: 0 or 1. `json`: text. Times are text as the API writes them, and sort as such. */
export type ColumnKind = 'text' | 'integer' | 'boolean' | 'json';

export type Columns<Record_> = { readonly [Name in keyof Record_]-?: ColumnKind };

type Stored<Kind, Value> = Kind extends 'boolean'
  ? number | (null extends Value ? null : never)
  : Kind extends 'json'
    ? string | (null extends Value ? null : never)
    : Value;

/** The row as the database holds it, from the record and the table of its columns. */
export type Row<Record_, Table extends Columns<Record_>> = {
  -readonly [Name in keyof Record_]: Stored<Table[Name], Record_[Name]>;
};

/** Any part of a record as columns. Members that are undefined are left out, so they stay as they are. */
export function encode<Record_ extends object, Table extends Columns<Record_>>(
  table: Table,
  record: Partial<Record_>,
): Partial<Row<Record_, Table>> {
  const row: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    row[name] = encodeValue(table[name as keyof Record_], value); // Keys of a part of the record are keys of the table.
  }
  return row as Partial<Row<Record_, Table>>; // Built member by member by the very rule of the type.
}

/** The record of a row that the database gave. */
export function decode<Record_ extends object, Table extends Columns<Record_>>(
  table: Table,
  row: Row<Record_, Table>,
): Record_ {
  const record: Record<string, unknown> = {};
  for (const name in row) record[name] = decodeValue(table[name], row[name]);
  return record as Record_; // As in encode.
}

function encodeValue(kind: ColumnKind | undefined, value: unknown): unknown {
  if (value === null) return null;
  if (kind === 'json') return JSON.stringify(value);
  return kind === 'boolean' ? Number(value) : value;
}

function decodeValue(kind: ColumnKind | undefined, value: unknown): unknown {
  if (value === null) return null;
  if (kind === 'json' && typeof value === 'string') return value === '{}' ? {} : JSON.parse(value);
  return kind === 'boolean' ? value === 1 : value;
}
