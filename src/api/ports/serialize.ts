// Ports as JSON text, straight from the columns: what the database holds as JSON is not parsed and written again.
import type { ColumnKind } from '#db/columns.ts';
import { portColumns, type PortRow } from '#db/tables.ts';
import { type PortField, portField } from '#model/port-fields.ts';
import { linksText } from '../links.ts';
import { shownTime } from '../wire-time.ts';

/** A port with these fields. */
export function portText(row: PortRow, fields: readonly PortField[], baseUrl: string): string {
  let text = '';
  for (const field of fields) {
    const value =
      field === 'links'
        ? linksText(baseUrl, `ports/${row.uuid}`)
        : portField(field).type === 'datetime'
          ? JSON.stringify(shownTime(row[field] as string | null)) // A column of times is of texts.
          : valueText(portColumns[field], row[field]);
    text += `${text === '' ? '{' : ','}"${field}":${value}`;
  }
  return `${text}}`;
}

function valueText(kind: ColumnKind, value: string | number | null): string {
  if (value === null) return 'null';
  switch (kind) {
    case 'boolean':
      return value === 1 ? 'true' : 'false';
    case 'integer':
    case 'json':
      return String(value);
    case 'text':
      return JSON.stringify(value);
  }
}
