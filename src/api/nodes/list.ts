// Lists of nodes: `GET /nodes` and `GET /nodes/detail`.
import {
  listNodeRows,
  type NodeFilter,
  type NodePage,
  type NodeSortKey,
  readNodeRow,
} from '#db/node-list.ts';
import type { NodeRow } from '#db/tables.ts';
import { Invalid, InvalidParameterValue, NodeNotFound, NotAcceptable } from '#model/faults.ts';
import { isNodeField, nodeField, type NodeField, nodeListFields, nodeSortKeys } from '#model/node-fields.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { chosenFields } from './fields.ts';
import { filterArguments, readConductorFilter, readFilter } from './filters.ts';
import { nextLink, type NextPage } from '../next-link.ts';
import { booleanOf } from '../query.ts';
import type { NodeView, PartialRow } from './serialize.ts';

const pageArguments = ['limit', 'marker', 'sort_key', 'sort_dir'];
const takesInDetail = new Set([...pageArguments, ...filterArguments]);
const takes = new Set([...takesInDetail, 'fields', 'detail']);

/** `GET /nodes` */
export async function listNodes(call: Call, within: NodeFilter = {}): Promise<Answer> {
  call.query.allowOnly(takes);
  const fields = chosenFields(call);
  const detail = readDetail(call);
  if (detail && fields) throw new Invalid('Either detail or fields can be asked for, not both.');
  if (detail)
    return await answerList(call, call.parts.nodeViews.full(call.minor), {
      within,
      path: '/v1/nodes',
      detail,
    });
  const view = call.parts.nodeViews.of(fields ?? plainFields(call.minor), call.minor);
  const named = fields ?? plainOrder.filter((name) => view.fields.includes(name));
  return await answerList(call, view, { within, path: '/v1/nodes', fields: named });
}

/** `GET /nodes/detail` */
export async function listNodesInDetail(call: Call, within: NodeFilter = {}): Promise<Answer> {
  call.query.allowOnly(takesInDetail);
  return await answerList(call, call.parts.nodeViews.full(call.minor), { within, path: '/v1/nodes/detail' });
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
const plainOrder: readonly NodeField[] = [
  'instance_uuid',
  'maintenance',
  'power_state',
  'provision_state',
  'uuid',
  'name',
];

interface Listing extends Pick<NextPage, 'path' | 'detail' | 'fields'> {
  /** What the nodes have in common by the path already: their chassis. */
  readonly within: NodeFilter;
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
    filter: { ...filter, ...listing.within },
    // Whose conductor a node's is, only the ring can tell, so that such a page is cut to its length afterwards.
    ...(conductor === undefined ? { limit } : {}),
  };
  // Every view reads the uuid, and these columns whatever it says of the conductor.
  let rows = (await listNodeRows(call.parts.store.read, page)) as PlacedRow[];
  if (conductor !== undefined) rows = (await ofConductor(call, rows, conductor)).slice(0, limit);
  const nodes = await nodeTexts(call, rows, view);
  const last = rows.at(-1);
  if (!last || rows.length < limit) return ok(`{"nodes":[${nodes}]}`);
  const { within: _within, ...next } = listing;
  const link = nextLink(call.baseUrl, {
    ...next,
    ...order,
    filters: filtersOf(call),
    limit,
    marker: last.uuid,
  });
  return ok(`{"nodes":[${nodes}],"next":${JSON.stringify(link)}}`);
}

type PlacedRow = PartialRow & Pick<NodeRow, 'conductor_group' | 'driver'>;

async function ofConductor(call: Call, rows: PlacedRow[], conductor: string): Promise<PlacedRow[]> {
  const hostOf = await call.parts.ring.finder();
  return rows.filter((row) => hostOf(row) === conductor);
}

async function nodeTexts(call: Call, rows: readonly PlacedRow[], view: NodeView): Promise<string> {
  const hostOf = await call.parts.ring.finder();
  let texts = '';
  for (const row of rows) {
    const conductor = view.showsConductor ? (hostOf(row) ?? null) : null;
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
  const descending = call.query.isDescending();
  const key = call.query.text('sort_key') || 'id';
  if (isNodeField(key) && nodeField(key).since > call.minor) throw new NotAcceptable();
  if (!isSortKey(key))
    throw new InvalidParameterValue(`The sort_key value ${JSON.stringify(key)} is not a field to sort by.`);
  return { sortKey: key, descending };
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

/** What the next page has to ask for to go on with this list. Unlike the reference's it keeps every filter. */
function filtersOf(call: Call): Record<string, string> {
  const given = filterArguments.filter((name) => call.query.has(name));
  return Object.fromEntries(
    given.map((name) => [name, writtenFilter(name, call.query.list(name)?.join(',') ?? '')]),
  );
}

/** The reference writes these itself, and only when they are true. */
const trueInCapitals = ['associated', 'maintenance', 'retired'];

function writtenFilter(name: string, text: string): string {
  return trueInCapitals.includes(name) && booleanOf(text) === true ? 'True' : text;
}
