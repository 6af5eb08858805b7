// From what a path or an argument names to a port of the store.
import { readPortRow } from '#db/port-list.ts';
import type { PortRow } from '#db/tables.ts';
import { Invalid, InvalidUuidOrName, PortNotFound } from '#model/faults.ts';
import { portFields } from '#model/port-fields.ts';
import type { Call } from '../call.ts';
import { canonicalUuid, isLogicalName } from '../identity.ts';

/**
 * The row of the port that a UUID, or from 1.88 a name, stands for. Throws Invalid or InvalidUuidOrName (400) for
 * what can be neither, PortNotFound (404) where there is none.
 */
export async function findPort(call: Call, ident: string): Promise<PortRow> {
  const uuid = canonicalUuid(ident);
  if (uuid === undefined && call.minor < portFields.name.since)
    throw new Invalid(`Expected a UUID of a port: ${ident}`);
  if (uuid === undefined && !isLogicalName(ident, call.minor)) throw new InvalidUuidOrName({ name: ident });
  const { read } = call.parts.store;
  const row =
    uuid === undefined ? await readPortRow(read, 'name', ident) : await readPortRow(read, 'uuid', uuid);
  if (row) return row;
  throw new PortNotFound({ port: ident });
}
