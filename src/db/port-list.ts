// Reads of ports for answers: one row by what names it, and lists by filter, order and page.
import { contains } from './contains.ts';
import { isBehind, pageOrder } from './keyset-page.ts';
import type { Reader } from './store.ts';
import type { PortRow } from './tables.ts';

/** The columns a list of ports may be sorted by, and what belongs to the row of any of them. */
export type PortSortColumn = Exclude<keyof PortRow, 'extra' | 'internal_info' | 'local_link_connection'>;

export interface PortFilter {
  readonly nodeUuid?: string | undefined;
  /** In lower case. */
  readonly address?: string | undefined;
  readonly shards?: readonly string[] | undefined;
  readonly conductorGroups?: readonly string[] | undefined;
  readonly descriptionContains?: string | undefined;
}

export interface PortPage {
  readonly sortKey: PortSortColumn;
  readonly descending: boolean;
  readonly limit: number;
  /** The last port of the page before. */
  readonly after: PortRow | undefined;
}

/** One page of the ports that fit all of the filter. */
export async function listPorts(reader: Reader, filter: PortFilter, page: PortPage): Promise<PortRow[]> {
  const { sortKey, descending, limit, after } = page;
  let query = reader.selectFrom('ports').selectAll();
  if (filter.nodeUuid !== undefined) query = query.where('node_uuid', '=', filter.nodeUuid);
  if (filter.address !== undefined) query = query.where('address', '=', filter.address);
  if (filter.descriptionContains !== undefined)
    query = query.where(contains('description', filter.descriptionContains));
  const { shards, conductorGroups } = filter;
  if (shards || conductorGroups) {
    query = query.where('node_uuid', 'in', (nodes) => {
      let owners = nodes.selectFrom('nodes').select('uuid');
      if (shards) owners = owners.where('shard', 'in', shards);
      if (conductorGroups) owners = owners.where('conductor_group', 'in', conductorGroups);
      return owners;
    });
  }
  if (after) query = query.where(isBehind(sortKey, { id: after.id, key: after[sortKey] }, descending));
  return await query.orderBy(pageOrder(sortKey, descending)).limit(limit).execute();
}

/** The row of the port with this UUID or name, or undefined. */
export async function readPortRow(
  reader: Reader,
  by: 'uuid' | 'name',
  value: string,
): Promise<PortRow | undefined> {
  return await reader.selectFrom('ports').selectAll().where(by, '=', value).executeTakeFirst();
}

/** The nodes that have a port with one of these MAC addresses (lower case), each once. */
export async function readNodesOfAddresses(reader: Reader, addresses: readonly string[]): Promise<string[]> {
  if (addresses.length === 0) return [];
  const rows = await reader
    .selectFrom('ports')
    .select('node_uuid')
    .distinct()
    .where('address', 'in', addresses)
    .execute();
  return rows.map((row) => row.node_uuid);
}
