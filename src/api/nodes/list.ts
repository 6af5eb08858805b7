// Lists of nodes: `GET /nodes` and `GET /nodes/detail`.
import { listNodeRows, type NodePage, type NodeSortKey, readNodeRow } from '#db/node-list.ts';
import type { NodeRow } from '#db/tables.ts';
import { Invalid, InvalidParameterValue, NodeNotFound, NotAcceptable } from '#model/faults.ts';
import { isNodeField, nodeField, type NodeField, nodeListFields, nodeSortKeys } from '#model/node-fields.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { chosenFields } from './fields.ts';
import { filterArguments, readConductorFilter, readFilter } from './filters.ts';
import { fullNodeView, type NodeView, nodeView, type PartialRow } from './serialize.ts';

const pageArguments = ['limit', 'marker', 'sort_key', 'sort_dir'];
const takesInDetail = new Set([...pageArguments, ...filterArguments]);
const takes = new Set([...takesInDetail, 'fields', 'detail']);

/** `GET /nodes` */
export async function listNodes(call: Call): Promise<Answer> {
  call.query.allowOnly(takes);
  const fields = chosenFields(call);
  const detail = readDetail(call);
  if (detail && fields) throw new Invalid('Either detail or fields can be asked for, not both.');
  if (detail)
    return await answerList(call, fullNodeView(call.minor), { path: 'nodes', choice: 'detail=True' });
  const view = nodeView(fields ?? plainFields(call.minor), call.minor);
  return await answerList(call, view, { path: 'nodes', choice: fieldsArgument(view.fields) });
}

/** `GET /nodes/detail` */
export async function listNodesInDetail(call: Call): Promise<Answer> {
  call.query.allowOnly(takesInDetail);
  return await answerList(call, fullNodeView(call.minor), { path: 'nodes/detail', choice: '' });
}

function readDetail(call: Call): boolean {
  const detail = call.query.boolean('detail') ?? false;
  if (detail && !call.has('detailQuery')) throw new Invalid('The query parameter detail needs version 1.43.');
  return detail;
}

function plainFields(minor: number): readonly NodeField[] {
  return nodeListFields.filter((name) => nodeField(name).since <= minor);
}

/** Observed: the order in which the reference names the fields of its plain list. */
const plainOrder = 'instance_uuid,maintenance,power_state,provision_state,uuid,name';

function fieldsArgument(fields: readonly NodeField[]): string {
  const named = fields.filter((name) => name !== 'links').join(',');
  const isPlain = named === nodeListFields.filter((name) => name !== 'links').join(',');
  return `fields=${isPlain ? plainOrder : named}`;
}

interface Listing {
  /** Of the next page, below `/v1/`. */
  readonly path: string;
  /** What of the fields the next page is asked for. */
  readonly choice: string;
}

async function answerList(call: Call, view: NodeView, listing: Listing): Promise<Answer> {
  const limit = call.query.limit(call.parts.settings.api.max_limit);
  const conductor = readConductorFilter(call);
  const order = readOrder(call);
  const filter = await readFilter(call);
  const place: (keyof NodeRow)[] = conductor === undefined ? [] : ['conductor_group', 'driver'];
  const page: NodePage = {
    ...order,
    ...(await readMarker(call)),
    columns: [...new Set([...view.columns, ...place])],
    filter,
    // Whose conductor a node's is, only the ring can tell, so that such a page is cut to its length afterwards.
    ...(conductor === undefined ? { limit } : {}),
  };
  // Every view reads the uuid, and these columns whatever it says of the conductor.
  let rows = (await listNodeRows(call.parts.store.read, page)) as PlacedRow[];
  if (conductor !== undefined) rows = (await ofConductor(call, rows, conductor)).slice(0, limit);
  const nodes = await nodeTexts(call, rows, view);
  const last = rows.at(-1);
  if (!last || rows.length < limit) return ok(`{"nodes":[${nodes}]}`);
  const next = nextLink(call, listing, order, limit, last.uuid);
  return ok(`{"nodes":[${nodes}],"next":${JSON.stringify(next)}}`);
}

type PlacedRow = PartialRow & Pick<NodeRow, 'conductor_group' | 'driver'>;

async function ofConductor(call: Call, rows: PlacedRow[], conductor: string): Promise<PlacedRow[]> {
  const theirs: PlacedRow[] = [];
  for (const row of rows) if ((await call.parts.ring.findHost(row)) === conductor) theirs.push(row);
  return theirs;
}

async function nodeTexts(call: Call, rows: readonly PlacedRow[], view: NodeView): Promise<string> {
  let texts = '';
  for (const row of rows) {
    const conductor = view.showsConductor ? ((await call.parts.ring.findHost(row)) ?? null) : null;
    if (texts !== '') texts += ',';
    texts += view.text(row, { baseUrl: call.baseUrl, conductor });
  }
  return texts;
}

interface Order {
  readonly sortKey: NodeSortKey;
  readonly descending: boolean;
}

function readOrder(call: Call): Order {
  const direction = call.query.text('sort_dir') ?? 'asc';
  if (direction !== 'asc' && direction !== 'desc')
    throw new InvalidParameterValue(`Invalid sort direction: ${direction}. Acceptable are 'asc' and 'desc'.`);
  const key = call.query.text('sort_key') || 'id';
  if (isNodeField(key) && nodeField(key).since > call.minor) throw new NotAcceptable();
  if (!isSortKey(key))
    throw new InvalidParameterValue(`The sort_key value ${JSON.stringify(key)} is not a field to sort by.`);
  return { sortKey: key, descending: direction === 'desc' };
}

const sortKeys: ReadonlySet<string> = new Set(['id', ...nodeSortKeys]);

function isSortKey(key: string): key is NodeSortKey {
  return sortKeys.has(key);
}

async function readMarker(call: Call): Promise<Pick<NodePage, 'after'>> {
  const marker = call.query.uuid('marker');
  if (marker === undefined) return {};
  const after = await readNodeRow(call.parts.store.read, 'uuid', marker);
  if (!after) throw new NodeNotFound({ node: marker });
  return { after };
}

/** Filters that the reference writes itself, and only when they are true. */
const writtenWhenTrue = ['associated', 'maintenance', 'retired'] as const;

/** The link to the next page. Unlike the reference's it keeps every filter, so that the pages make one list. */
function nextLink(call: Call, listing: Listing, order: Order, limit: number, marker: string): string {
  const { query } = call;
  const parts = [`sort_key=${order.sortKey}`, `sort_dir=${order.descending ? 'desc' : 'asc'}`];
  for (const name of filterArguments) {
    const text = query.list(name)?.join(',');
    if (text === undefined) continue;
    const isTrue = writtenWhenTrue.some((each) => each === name) && query.boolean(name) === true;
    parts.push(isTrue ? `${name}=True` : `${name}=${encodeURIComponent(text)}`);
  }
  if (listing.choice !== '') parts.push(listing.choice);
  parts.push(`limit=${limit}`, `marker=${marker}`);
  return `${call.baseUrl}/v1/${listing.path}?${parts.join('&')}`;
}
