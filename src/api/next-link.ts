// The `next` of a list whose page is full.

export interface NextPage {
  /** The list's path below the URL clients know: `/v1/ports`. */
  readonly path: string;
  readonly sortKey: string;
  readonly descending: boolean;
  /** The arguments that chose what is listed, so that the next page is of the same list. */
  readonly filters?: Readonly<Record<string, string | undefined>>;
  /** As the request had it; undefined without. */
  readonly detail?: boolean | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly limit: number;
  /** What the last entry of this page is known by. */
  readonly marker: string;
}

/** The URL of the page after this one, its arguments in the reference's order (observed, `next_query_order`). */
export function nextLink(baseUrl: string, page: NextPage): string {
  const { filters = {}, detail, fields } = page;
  const query = [
    ['sort_key', page.sortKey],
    ['sort_dir', page.descending ? 'desc' : 'asc'],
    ...Object.entries(filters),
    ['detail', detail === undefined ? undefined : detail ? 'True' : 'False'],
    ['fields', fields?.filter((name) => name !== 'links').join(',') || undefined],
    ['limit', String(page.limit)],
    ['marker', page.marker],
  ] as const;
  const written = query.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${quote(value)}`]));
  return `${baseUrl}${page.path}?${written.join('&')}`;
}

/** Commas and colons may stand as they are in a query, and lists and addresses read better with them. */
function quote(value: string): string {
  return encodeURIComponent(value).replaceAll('%2C', ',').replaceAll('%3A', ':');
}
