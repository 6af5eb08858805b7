// GET /v1/ports, /v1/ports/detail and /v1/nodes/{node}/ports.
import { listPorts, type PortFilter, type PortSortColumn, readPortRow } from '#db/port-list.ts';
import type { PortRow } from '#db/tables.ts';
import {
  Invalid,
  InvalidMAC,
  InvalidParameterValue,
  NotAcceptable,
  OperationNotPermitted,
  PortgroupNotFound,
  PortNotFound,
} from '#model/faults.ts';
import { hasFeature } from '#model/microversion.ts';
import { isPortField, type PortField, portSortKeys } from '#model/port-fields.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { canonicalUuid } from '../identity.ts';
import { nextLink } from '../next-link.ts';
import { findNodeRow } from '../nodes/find-node.ts';
import { checkFieldVersion, listedFields, portFieldsAt } from './fields.ts';
import { canonicalMac } from './mac-address.ts';
import { portText } from './serialize.ts';

/** What says which ports are listed. */
const filterNames = [
  'node',
  'node_uuid',
  'address',
  'portgroup',
  'shard',
  'description_contains',
  'conductor_groups',
] as const;
const pageNames = ['limit', 'marker', 'sort_key', 'sort_dir'] as const;
const listNames: ReadonlySet<string> = new Set([...filterNames, ...pageNames, 'fields', 'detail']);
const detailNames: ReadonlySet<string> = new Set([...filterNames, ...pageNames]);

export async function listAllPorts(call: Call): Promise<Answer> {
  call.query.allowOnly(listNames);
  const detail = call.query.boolean('detail');
  const fields = listedFields(call, detail ?? false);
  return await answerPage(call, { path: '/v1/ports', fields, detail, filter: await parseFilter(call) });
}

export async function listPortsInDetail(call: Call): Promise<Answer> {
  call.query.allowOnly(detailNames);
  const fields = portFieldsAt(call.minor);
  const filter = await parseFilter(call);
  return await answerPage(call, {
    path: '/v1/ports/detail',
    fields,
    detail: undefined,
    filter,
    isDetail: true,
  });
}

/** The ports of the path's node; the query narrows them down further. */
export async function listPortsOfNode(call: Call): Promise<Answer> {
  call.query.allowOnly(listNames);
  const detail = call.query.boolean('detail');
  const fields = listedFields(call, detail ?? false);
  const filter = await parseFilter(call);
  const { uuid } = await findNodeRow(call, call.param('node'));
  if (filter.nodeUuid !== undefined && filter.nodeUuid !== uuid)
    throw new Invalid('The query names another node than the path.');
  const path = `/v1/nodes/${uuid}/ports`;
  return await answerPage(call, { path, fields, detail, filter: { ...filter, nodeUuid: uuid } });
}

interface Listing {
  readonly path: string;
  readonly fields: readonly PortField[];
  readonly detail: boolean | undefined;
  readonly filter: PortFilter;
  /** The path says it already, so `next` need not. */
  readonly isDetail?: true;
}

async function answerPage(call: Call, listing: Listing): Promise<Answer> {
  const { query, baseUrl } = call;
  const limit = query.limit(call.parts.settings.api.max_limit);
  const sortKey = parseSortKey(call);
  const descending = query.isDescending();
  const after = await findMarker(call);
  const { read } = call.parts.store;
  const rows = await listPorts(read, listing.filter, { sortKey, descending, limit, after });
  const texts = rows.map((row) => portText(row, listing.fields, baseUrl)).join(',');
  const last = rows.at(-1);
  if (rows.length < limit || !last) return ok(`{"ports":[${texts}]}`);
  const next = nextLink(baseUrl, {
    path: listing.path,
    sortKey,
    descending,
    filters: Object.fromEntries(filterNames.map((name) => [name, query.text(name)])),
    detail: listing.detail,
    fields: listing.detail === true || listing.isDetail ? undefined : listing.fields,
    limit,
    marker: last.uuid,
  });
  return ok(`{"ports":[${texts}],"next":${JSON.stringify(next)}}`);
}

function parseSortKey(call: Call): PortSortColumn {
  const name = call.query.text('sort_key') ?? 'id';
  if (name === 'id') return name;
  if (!isPortField(name) || !portSortKeys.includes(name))
    throw new InvalidParameterValue(`Ports can not be sorted by "${name}".`);
  checkFieldVersion(name, call.minor);
  // The sort keys of the field table are columns with one plain value.
  return name as PortSortColumn;
}

async function findMarker(call: Call): Promise<PortRow | undefined> {
  const uuid = call.query.uuid('marker');
  if (uuid === undefined) return undefined;
  const row = await readPortRow(call.parts.store.read, 'uuid', uuid);
  if (row) return row;
  throw new PortNotFound({ port: uuid });
}

async function parseFilter(call: Call): Promise<PortFilter> {
  const { query, minor } = call;
  if (query.has('portgroup') && !hasFeature(minor, 'portgroupLinks'))
    throw new NotAcceptable('Listing the ports of a portgroup needs at least API version 1.24.');
  if (query.has('shard') && !hasFeature(minor, 'shards'))
    throw new NotAcceptable('Listing the ports of a shard needs at least API version 1.82.');
  const address = parseAddress(query.text('address'));
  if (['node', 'portgroup', 'shard'].filter((name) => query.has(name)).length > 1)
    throw new OperationNotPermitted('Of node, portgroup and shard only one can be given.');
  const narrowed = ['node', 'node_uuid', 'portgroup', 'address'].some((name) => query.has(name));
  if (query.has('conductor_groups') && narrowed)
    throw new Invalid('conductor_groups can not be given together with node, portgroup or address.');
  const portgroup = query.text('portgroup');
  if (portgroup !== undefined) throw new PortgroupNotFound({ portgroup });
  return {
    nodeUuid: await findNodeOfFilter(call),
    address,
    shards: query.list('shard'),
    conductorGroups: query.list('conductor_groups'),
    descriptionContains: query.text('description_contains'),
  };
}

function parseAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const mac = canonicalMac(text);
  if (mac === undefined) throw new InvalidMAC({ mac: text });
  return mac;
}

/** `node_uuid` goes before `node`, which may also be a name, from 1.5. */
async function findNodeOfFilter(call: Call): Promise<string | undefined> {
  const byUuid = call.query.uuid('node_uuid');
  const ident = byUuid ?? call.query.text('node');
  if (ident === undefined) return undefined;
  if (canonicalUuid(ident) === undefined && !hasFeature(call.minor, 'nodeNames'))
    throw new NotAcceptable('Names of nodes need at least API version 1.5.');
  return (await findNodeRow(call, ident)).uuid;
}
