// Pages of a list: the rows behind the last one of the page before, in any order, at the cost of one page.
import { type RawBuilder, sql, type SqlBool } from 'kysely';

/** The row that a page begins behind. */
export interface PageMarker {
  readonly id: number;
  /** What its column of the order holds, as the database holds it. */
  readonly key: string | number | null;
}

/**
 * True for the rows behind the marker, in the order of the column and then of `id`, both in one direction.
 * Nulls come before everything else.
 */
export function isBehind(column: string, marker: PageMarker, descending: boolean): RawBuilder<SqlBool> {
  const [key, id] = [sql.ref(column), sql.ref('id')];
  const past = descending ? sql.raw('<') : sql.raw('>');
  if (column === 'id') return sql`${id} ${past} ${marker.id}`;
  const tie = sql`(${key} is not distinct from ${marker.key} and ${id} ${past} ${marker.id})`;
  if (marker.key === null) return descending ? sql`(${tie})` : sql`(${key} is not null or ${tie})`;
  if (descending) return sql`(${key} < ${marker.key} or ${key} is null or ${tie})`;
  return sql`(${key} > ${marker.key} or ${tie})`;
}

/** The order that `isBehind` goes by. */
export function pageOrder(column: string, descending: boolean): RawBuilder<unknown> {
  const direction = sql.raw(descending ? 'desc nulls last' : 'asc nulls first');
  const byId = sql`${sql.ref('id')} ${sql.raw(descending ? 'desc' : 'asc')}`;
  return column === 'id' ? byId : sql`${sql.ref(column)} ${direction}, ${byId}`;
}
