// GET /v1/conductors and /v1/conductors/{hostname}. Conductors are few, so a list is ordered and cut here.
import { type ConductorRecord, isAlive, readConductors } from '#db/conductors.ts';
import { ConductorNotFound, Invalid, InvalidName, InvalidParameterValue } from '#model/faults.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { links } from '../links.ts';
import { nextLink } from '../next-link.ts';
import { shownTime } from '../wire-time.ts';

const listNames: ReadonlySet<string> = new Set([
  'limit',
  'marker',
  'sort_key',
  'sort_dir',
  'fields',
  'detail',
]);
const fieldsOnly: ReadonlySet<string> = new Set(['fields']);

const allFields = ['hostname', 'conductor_group', 'drivers', 'created_at', 'updated_at', 'alive', 'links'];
const listFields = ['hostname', 'conductor_group', 'alive', 'links'];
const sortKeys = ['id', 'hostname', 'conductor_group', 'created_at', 'updated_at'] as const;
type SortKey = (typeof sortKeys)[number];

export async function listConductors(call: Call): Promise<Answer> {
  const { query } = call;
  query.allowOnly(listNames);
  const detail = query.boolean('detail');
  const requested = requestedFields(call);
  if (detail === true && requested) throw new Invalid('detail=True and fields can not be given together.');
  const fields = requested ?? (detail ? allFields : listFields);
  const limit = query.limit(call.parts.settings.api.max_limit);
  const sortKey = parseSortKey(query.text('sort_key') ?? 'id');
  const descending = query.isDescending();
  const all = sort(await readConductors(call.parts.store.read), sortKey, descending);
  const page = behind(all, query.text('marker')).slice(0, limit);
  const conductors = page.map((each) => describe(each, call, fields));
  const last = page.at(-1);
  if (page.length < limit || !last) return ok(JSON.stringify({ conductors }));
  const next = nextLink(call.baseUrl, {
    path: '/v1/conductors',
    sortKey,
    descending,
    detail,
    fields: detail ? undefined : fields,
    limit,
    marker: last.hostname,
  });
  return ok(JSON.stringify({ conductors, next }));
}

export async function showConductor(call: Call): Promise<Answer> {
  call.query.allowOnly(fieldsOnly);
  const hostname = call.param('conductor');
  // Host names, with a port where several conductors share a host (ironic api/controllers/v1/utils.py).
  if (!/^[\w.:~[\]-]{1,255}$/.test(hostname)) throw new InvalidName({ name: hostname });
  const fields = requestedFields(call) ?? allFields;
  const all = await readConductors(call.parts.store.read);
  const conductor = all.find((each) => each.hostname === hostname);
  if (!conductor) throw new ConductorNotFound({ conductor: hostname });
  return ok(JSON.stringify(describe(conductor, call, fields)));
}

function requestedFields(call: Call): string[] | undefined {
  const names = call.query.list('fields')?.map((name) => name.toLowerCase());
  const unknown = names?.find((name) => !allFields.includes(name));
  if (unknown !== undefined) throw new InvalidParameterValue(`Field(s) "${unknown}" are not valid`);
  return names && [...new Set([...names, 'links'])];
}

function parseSortKey(name: string): SortKey {
  const key = sortKeys.find((each) => each === name);
  if (key === undefined) throw new InvalidParameterValue(`Conductors can not be sorted by "${name}".`);
  return key;
}

function sort(all: readonly ConductorRecord[], key: SortKey, descending: boolean): ConductorRecord[] {
  const order = (a: ConductorRecord, b: ConductorRecord): number =>
    a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : a.id - b.id;
  const sorted = all.toSorted(order);
  return descending ? sorted.toReversed() : sorted;
}

function behind(all: readonly ConductorRecord[], marker: string | undefined): readonly ConductorRecord[] {
  if (marker === undefined) return all;
  const place = all.findIndex((each) => each.hostname === marker);
  if (place === -1) throw new ConductorNotFound({ conductor: marker });
  return all.slice(place + 1);
}

function describe(
  conductor: ConductorRecord,
  call: Call,
  fields: readonly string[],
): Record<string, unknown> {
  const { settings, clock } = call.parts;
  const whole: Record<string, unknown> = {
    hostname: conductor.hostname,
    conductor_group: conductor.conductor_group,
    drivers: conductor.drivers,
    created_at: shownTime(conductor.created_at),
    updated_at: shownTime(conductor.updated_at),
    alive: isAlive(conductor, settings.conductor.heartbeat_timeout, clock),
    links: links(call.baseUrl, `conductors/${conductor.hostname}`),
  };
  return Object.fromEntries(fields.map((name) => [name, whole[name]]));
}
