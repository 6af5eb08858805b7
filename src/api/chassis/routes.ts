// Chassis: what nodes stand in. The API keeps them itself; no conductor has to do with them.
import {
  type ChassisPage,
  deleteChassis,
  insertChassis,
  listChassis,
  readChassis,
  type TellOfChassis,
  updateChassis,
} from '#db/chassis.ts';
import { addEvent } from '#db/events.ts';
import { wireTime } from '#model/clock.ts';
import {
  ChassisNotFound,
  Invalid,
  InvalidParameterValue,
  InvalidUUID,
  MissingParameterValue,
} from '#model/faults.ts';
import type { ChassisPatch, ChassisRecord } from '#model/chassis-record.ts';
import { isJsonObject, type JsonObject } from '#model/json-object.ts';
import { chassisSubject } from '#notifications/subject.ts';
import { type Answer, type Call, created, noContent, ok } from '../call.ts';
import { canonicalUuid } from '../identity.ts';
import { applyPatch, parsePatch } from '../json-patch.ts';
import { nextLink, type NextPage } from '../next-link.ts';
import { listNodes, listNodesInDetail } from '../nodes/list.ts';
import { noArguments } from '../query.ts';
import type { Route } from '../route.ts';
import { chassisDocument, chassisListFields, type ChassisField, chosenChassisFields } from './document.ts';

const takesFields = new Set(['fields']);
const takesPage = new Set(['limit', 'marker', 'sort_key', 'sort_dir']);
const takesList = new Set([...takesPage, 'fields', 'detail']);
const settable = new Set(['uuid', 'description', 'extra']);

async function list(call: Call): Promise<Answer> {
  call.query.allowOnly(takesList);
  const fields = chosenChassisFields(call);
  const detail = call.query.boolean('detail') ?? false;
  if (detail && !call.has('detailQuery')) throw new Invalid('The query parameter detail needs version 1.43.');
  if (detail && fields) throw new Invalid('Either detail or fields can be asked for, not both.');
  const choice = detail ? { detail } : { fields };
  return await page(call, detail ? undefined : (fields ?? chassisListFields), {
    path: '/v1/chassis',
    ...choice,
  });
}

async function listInDetail(call: Call): Promise<Answer> {
  call.query.allowOnly(takesPage);
  return await page(call, undefined, { path: '/v1/chassis/detail' });
}

async function page(
  call: Call,
  fields: readonly ChassisField[] | undefined,
  next: Pick<NextPage, 'path' | 'detail' | 'fields'>,
): Promise<Answer> {
  const limit = call.query.limit(call.parts.settings.api.max_limit);
  const order = {
    descending: call.query.isDescending(),
    sortKey: readSortKey(call.query.text('sort_key') || 'id'),
  };
  const marker = call.query.uuid('marker');
  const after = marker === undefined ? {} : { after: await chassisOf(call, marker) };
  const rows = await listChassis(call.parts.store.read, { ...order, ...after, limit });
  const chassis = rows.map((each) => chassisDocument(call, each, fields));
  const last = rows.at(-1);
  const link =
    last && rows.length === limit
      ? { next: nextLink(call.baseUrl, { ...next, ...order, limit, marker: last.uuid }) }
      : {};
  return ok(JSON.stringify({ chassis, ...link }));
}

const sortKeys: readonly ChassisPage['sortKey'][] = ['id', 'uuid', 'created_at', 'updated_at', 'description'];

function readSortKey(key: string): ChassisPage['sortKey'] {
  const known = sortKeys.find((each) => each === key);
  if (known !== undefined) return known;
  throw new InvalidParameterValue(`The sort_key value ${JSON.stringify(key)} is not a field to sort by.`);
}

async function show(call: Call): Promise<Answer> {
  call.query.allowOnly(takesFields);
  const fields = chosenChassisFields(call);
  const chassis = await chassisOf(call, identOf(call));
  return ok(JSON.stringify(chassisDocument(call, chassis, fields)));
}

async function create(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const body = call.body();
  if (!isJsonObject(body)) throw new Invalid('The body of a new chassis is an object.');
  const unknown = Object.keys(body).find((name) => !settable.has(name));
  if (unknown !== undefined) throw new Invalid(`A new chassis cannot be given ${unknown}.`);
  const asked = {
    uuid: readUuid(body['uuid'] ?? null) ?? call.parts.random.uuid(),
    created_at: wireTime(call.parts.clock.now()),
    description: readDescription(body['description'] ?? null),
    extra: readExtra(body['extra'] ?? null),
  };
  const chassis = await insertChassis(call.parts.store, asked, tellOf(call, 'chassis.created'));
  return created(
    JSON.stringify(chassisDocument(call, chassis)),
    `${call.baseUrl}/v1/chassis/${chassis.uuid}`,
  );
}

async function patch(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const operations = parsePatch(call.body(), { escapes: call.has('escapedPatchPaths') });
  const wrong = operations.find(({ path }) => !settable.has(path[0]));
  if (wrong) throw new Invalid(`${wrong.pathText} cannot be patched; what can is: extra, description.`);
  const uuid = canonicalUuid(call.param('chassis'));
  if (uuid === undefined) throw new ChassisNotFound({ chassis: call.param('chassis') });
  const change = (before: ChassisRecord): ChassisPatch & { updated_at: string } => {
    const after = applyPatch({ ...before }, operations);
    if (readUuid(after['uuid']) !== uuid) throw new Invalid('The uuid of a chassis cannot be changed.');
    return {
      description: readDescription(after['description']),
      extra: readExtra(after['extra']),
      updated_at: wireTime(call.parts.clock.now()),
    };
  };
  const changed = await updateChassis(call.parts.store, uuid, change, tellOf(call, 'chassis.updated'));
  return ok(JSON.stringify(chassisDocument(call, changed)));
}

async function remove(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  await deleteChassis(call.parts.store, identOf(call), tellOf(call, 'chassis.deleted'));
  return noContent;
}

/** In the transaction of the change. */
function tellOf(
  { parts: { settings, clock }, context }: Call,
  kind: 'chassis.created' | 'chassis.updated' | 'chassis.deleted',
): TellOfChassis {
  return async (transaction, chassis) => {
    const event = { at: wireTime(clock.now()), kind, node_uuid: null, operation_id: null };
    const { requestId: request_id } = context;
    const data = { chassis: chassis.uuid };
    await addEvent(transaction, { ...event, request_id, data }, chassisSubject(settings, chassis));
  };
}

async function nodes(call: Call, inDetail: boolean): Promise<Answer> {
  const { uuid } = await chassisOf(call, identOf(call));
  return await (inDetail
    ? listNodesInDetail(call, { chassis_uuid: uuid })
    : listNodes(call, { chassis_uuid: uuid }));
}

function identOf(call: Call): string {
  const uuid = canonicalUuid(call.param('chassis'));
  if (uuid === undefined) throw new InvalidUUID({ uuid: call.param('chassis') });
  return uuid;
}

/** The chassis of a UUID. Throws ChassisNotFound (404). */
async function chassisOf(call: Call, uuid: string): Promise<ChassisRecord> {
  const chassis = await readChassis(call.parts.store.read, uuid);
  if (!chassis) throw new ChassisNotFound({ chassis: uuid });
  return chassis;
}

function readUuid(value: unknown): string | null {
  if (value === null) return null;
  const uuid = typeof value === 'string' ? canonicalUuid(value) : undefined;
  if (uuid === undefined) throw new InvalidUUID({ uuid: JSON.stringify(value) });
  return uuid;
}

function readDescription(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value !== 'string') throw new Invalid('description is not a text.');
  if (value.length > 255) throw new Invalid('description is longer than 255 characters.');
  return value;
}

function readExtra(value: unknown): JsonObject {
  if (value === null) return {};
  if (!isJsonObject(value)) throw new Invalid('extra is not an object.');
  return value;
}

function missing(): never {
  throw new MissingParameterValue('Missing mandatory parameter: chassis_uuid');
}

const one = '/chassis/:chassis';

export const chassisRoutes: readonly Route[] = [
  { method: 'GET', path: '/chassis', policy: 'baremetal:chassis:get', since: 1, handler: list },
  {
    method: 'GET',
    path: '/chassis/detail',
    policy: 'baremetal:chassis:get',
    since: 1,
    handler: listInDetail,
  },
  { method: 'POST', path: '/chassis', policy: 'baremetal:chassis:create', since: 1, handler: create },
  { method: 'GET', path: one, policy: 'baremetal:chassis:get', since: 1, handler: show },
  { method: 'PATCH', path: one, policy: 'baremetal:chassis:update', since: 1, handler: patch },
  { method: 'DELETE', path: one, policy: 'baremetal:chassis:delete', since: 1, handler: remove },
  {
    method: 'GET',
    path: `${one}/nodes`,
    policy: 'baremetal:node:list',
    since: 1,
    handler: async (call) => await nodes(call, false),
  },
  {
    method: 'GET',
    path: `${one}/nodes/detail`,
    policy: 'baremetal:node:list',
    since: 1,
    handler: async (call) => await nodes(call, true),
  },
  { method: 'PATCH', path: '/chassis', policy: 'baremetal:chassis:update', since: 1, handler: missing },
  { method: 'DELETE', path: '/chassis', policy: 'baremetal:chassis:delete', since: 1, handler: missing },
];
