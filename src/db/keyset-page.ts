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
  const past = descending ? sql.raw('<') : sql.raw('>');
  const hasNextId = sql<SqlBool>`${sql.ref('id')} ${past} ${marker.id}`;
  if (column === 'id') return hasNextId;
  const key = sql.ref(column);
  if (marker.key === null) {
    const tie = sql<SqlBool>`(${key} is null and ${hasNextId})`;
    return descending ? tie : sql`(${key} is not null or ${tie})`;
  }
  const tie = sql`(${key} = ${marker.key} and ${hasNextId})`;
  if (descending) return sql`(${key} < ${marker.key} or ${key} is null or ${tie})`;
  return sql`(${key} > ${marker.key} or ${tie})`;
}

/** The order that `isBehind` goes by: by `id` last of all, so that it is total and no page skips or repeats a row. */
export function pageOrder(column: string, descending: boolean): RawBuilder<unknown> {
  const direction = sql.raw(descending ? 'desc nulls last' : 'asc nulls first');
  const byId = sql`${sql.ref('id')} ${sql.raw(descending ? 'desc' : 'asc')}`;
  return column === 'id' ? byId : sql`${sql.ref(column)} ${direction}, ${byId}`;
}
