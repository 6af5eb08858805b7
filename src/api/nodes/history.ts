// GET /v1/nodes/{node}/history and /history/{event}: what happened to a node.
import { type HistorySortKey, historySortKeys, listHistory, readHistoryLine } from '#db/history-list.ts';
import type { HistoryRecord } from '#db/history.ts';
import { InvalidParameterValue, InvalidUuidOrName, NodeHistoryNotFound } from '#model/faults.ts';
import { hasFeature } from '#model/microversion.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { canonicalUuid, isLogicalName } from '../identity.ts';
import { noArguments } from '../query.ts';
import { shownTime } from '../wire-time.ts';
import { findNode } from './find-node.ts';

const listNames: ReadonlySet<string> = new Set(['detail', 'limit', 'marker', 'sort_key', 'sort_dir']);

/** The list shows no more of an event's text; the single line shows it whole. */
const longestInList = 255;

/** The project behind a line is shown from here; there is none to show without an identity service. */
const projectSince = 113;

export async function showHistory(call: Call): Promise<Answer> {
  const { query } = call;
  query.allowOnly(listNames);
  const detail = query.boolean('detail') ?? false;
  const limit = query.limit(call.parts.settings.api.max_limit);
  const marker = query.uuid('marker');
  const sortKey = historySortKey(query.text('sort_key') ?? 'created_at');
  const descending = query.isDescending();
  const node = await findNode(call);
  const { read } = call.parts.store;
  const after = marker === undefined ? undefined : await readHistoryLine(read, marker);
  if (marker !== undefined && after?.node_uuid !== node.uuid)
    throw new NodeHistoryNotFound({ history: marker });
  const lines = await listHistory(read, node.uuid, { sortKey, descending, limit, after });
  const place = `${call.baseUrl}/v1/nodes/${node.uuid}/history`;
  const history = lines.map((line) => (detail ? detailed(line, place, call.minor) : brief(line, place)));
  const last = lines.at(-1);
  if (lines.length < limit || !last) return ok(JSON.stringify({ history }));
  const next = new URLSearchParams({
    ...(query.has('sort_key') && { sort_key: sortKey }),
    ...(query.has('sort_dir') && { sort_dir: descending ? 'desc' : 'asc' }),
    ...(detail && { detail: 'True' }),
    limit: String(limit),
    marker: last.uuid,
  });
  return ok(JSON.stringify({ history, next: `${place}?${next.toString()}` }));
}

export async function showHistoryLine(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const ident = call.param('event');
  const uuid = canonicalUuid(ident);
  if (uuid === undefined && !isLogicalName(ident, call.minor)) throw new InvalidUuidOrName({ name: ident });
  const node = await findNode(call);
  const line = uuid === undefined ? undefined : await readHistoryLine(call.parts.store.read, uuid);
  if (line?.node_uuid !== node.uuid) throw new NodeHistoryNotFound({ history: ident });
  return ok(JSON.stringify(detailed(line, `${call.baseUrl}/v1/nodes/${node.uuid}/history`, call.minor)));
}

function historySortKey(name: string): HistorySortKey {
  const key = historySortKeys.find((each) => each === name);
  if (key === undefined) throw new InvalidParameterValue(`History can not be sorted by "${name}".`);
  return key;
}

function brief(line: HistoryRecord, place: string): Record<string, unknown> {
  const { event } = line;
  return {
    uuid: line.uuid,
    created_at: shownTime(line.created_at),
    severity: line.severity,
    event: event !== null && event.length > longestInList ? `${event.slice(0, longestInList - 4)}...` : event,
    links: linksTo(line, place),
  };
}

function detailed(line: HistoryRecord, place: string, minor: number): Record<string, unknown> {
  return {
    uuid: line.uuid,
    created_at: shownTime(line.created_at),
    severity: line.severity,
    event_type: line.event_type,
    event: line.event,
    conductor: line.conductor,
    user: line.user,
    ...(minor >= projectSince && { project: null }),
    ...(hasFeature(minor, 'historyStateAndDuration') && {
      state: null,
      target_provision_state: null,
      duration_seconds: null,
    }),
    links: linksTo(line, place),
  };
}

/** These have no bookmark, unlike all others. */
function linksTo(line: HistoryRecord, place: string): { href: string; rel: string }[] {
  return [{ href: `${place}/${line.uuid}`, rel: 'self' }];
}
