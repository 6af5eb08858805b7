import { type SqlBool, sql } from 'kysely';
import { decode, encode } from './columns.ts';
import type { Reader, Transaction } from './store.ts';
import { eventColumns } from './tables.ts';

/** Something that happened to a node, written in the transaction that made it happen. */
export interface EventRecord {
  readonly id: number;
  readonly at: string;
  readonly kind: EventKind;
  readonly node_uuid: string | null;
  readonly operation_id: string | null;
  readonly request_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An event with its place in the stream: reading on after it neither skips nor repeats any. */
export interface StreamedEvent extends EventRecord {
  readonly cursor: string;
  /** Of the node at the time. */
  readonly owner: string | null;
  readonly lessee: string | null;
}

export const eventKinds = [
  'node.created',
  'node.updated',
  'node.deleted',
  'port.created',
  'port.updated',
  'port.deleted',
  'chassis.created',
  'chassis.updated',
  'chassis.deleted',
  'provision.transition',
  'power.changing',
  'power.changed',
  'power.failed',
  'maintenance.changed',
  'operation.queued',
  'operation.started',
  'operation.retried',
  'operation.finished',
  'step.started',
  'step.finished',
  'step.progress',
  'sensors.read',
] as const;

export type EventKind = (typeof eventKinds)[number];

/** What an event is about, as it was then, for those who are told of it from outside; without secrets. */
export interface EventSubject {
  /** The service and host that made it happen: `ironic-conductor.rack-1`. */
  readonly publisher: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Notes whose node it is at this time as well: who may see the event does not change with the node's next owner. */
export async function addEvent(
  transaction: Transaction,
  event: Omit<EventRecord, 'id'>,
  subject?: EventSubject,
): Promise<void> {
  const row = encode<EventRecord, typeof eventColumns>(eventColumns, event);
  const { id } = await transaction
    .insertInto('events')
    .values((query) => {
      const ofNode = (column: 'owner' | 'lessee') =>
        query
          .selectFrom('nodes')
          .select(column)
          .where('uuid', '=', event.node_uuid ?? '');
      // Every member but the number is given by the type of `event`.
      return { ...(row as Required<typeof row>), owner: ofNode('owner'), lessee: ofNode('lessee') };
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  if (!subject) return;
  const { publisher, data } = subject;
  await transaction
    .insertInto('event_subjects')
    .values({ event_id: id, publisher, data: JSON.stringify(data) })
    .execute();
}

/** What those of the events are about that were noted with it, by the number of the event. */
export async function readSubjects(
  reader: Reader,
  events: readonly EventRecord[],
): Promise<ReadonlyMap<number, EventSubject>> {
  if (events.length === 0) return new Map();
  const ids = events.map(({ id }) => id);
  const rows = await reader.selectFrom('event_subjects').selectAll().where('event_id', 'in', ids).execute();
  return new Map(
    rows.map(({ event_id, publisher, data }) => [event_id, { publisher, data: JSON.parse(data) }]),
  );
}

export interface EventFilter {
  /** Null: from the oldest that is kept. */
  readonly after: string | null;
  /** None after this cursor. */
  readonly upTo?: string | undefined;
  readonly limit: number;
  readonly nodeUuid?: string | undefined;
  /** Any of these. */
  readonly kinds?: readonly EventKind[] | undefined;
  readonly owner?: string | undefined;
  /** The owner or the lessee of the node at the time. */
  readonly project?: string | undefined;
}

/**
 * Events after the cursor in the order of their commits, at most `limit`. An event shows up as soon as no other can
 * come before it any more. Throws RangeError when the cursor is none.
 */
export async function readEvents(reader: Reader, filter: EventFilter): Promise<StreamedEvent[]> {
  const { after, upTo, limit, nodeUuid, kinds, owner, project } = filter;
  let query = reader
    .selectFrom('settled_events')
    .select(['tx', 'id', 'at', 'kind', 'node_uuid', 'operation_id', 'request_id', 'data', 'owner', 'lessee']);
  if (after !== null) query = query.where(isAfter(after));
  if (upTo !== undefined) query = query.where((is) => is.not(isAfter(upTo)));
  if (nodeUuid !== undefined) query = query.where('node_uuid', '=', nodeUuid);
  if (kinds !== undefined) query = query.where('kind', 'in', kinds);
  if (owner !== undefined) query = query.where('owner', '=', owner);
  if (project !== undefined)
    query = query.where((event) => event.or([event('owner', '=', project), event('lessee', '=', project)]));
  const rows = await query.orderBy('tx').orderBy('id').limit(limit).execute();
  return rows.map(({ tx, owner: ownerThen, lessee, ...row }) => ({
    ...decode<EventRecord, typeof eventColumns>(eventColumns, row),
    owner: ownerThen,
    lessee,
    cursor: cursorOf({ tx, id: row.id }),
  }));
}

/** The cursor that only what is yet to come is after. */
export async function latestCursor(reader: Reader): Promise<string> {
  const newest = await reader
    .selectFrom('settled_events')
    .select(['tx', 'id'])
    .orderBy('tx', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return cursorOf(newest ?? { tx: 0, id: 0 });
}

/** Whether all that came after a cursor is still kept, and the cursor is one of this database as it is. */
export async function isStillKept(reader: Reader, cursor: string): Promise<boolean> {
  const place = placeOf(cursor);
  if (!place) return false;
  const oldest = await reader
    .selectFrom('settled_events')
    .select(['tx', 'id'])
    .orderBy('tx')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  // Numbers begin at 1: where the first is kept, nothing was ever taken away.
  if (oldest && oldest.id > 1 && comparePlaces(place, oldest) < 0) return false;
  return compareCursors(cursor, await latestCursor(reader)) <= 0;
}

/** Negative when the first comes before the second, zero when they are the same. */
export function compareCursors(one: string, other: string): number {
  const [a, b] = [placeOf(one), placeOf(other)];
  return a && b ? comparePlaces(a, b) : Number.NaN;
}

function comparePlaces(a: { tx: number; id: number }, b: { tx: number; id: number }): number {
  return a.tx - b.tx || a.id - b.id;
}

/** Whether the text is a cursor, of this database or of another. */
export function isCursor(text: string): boolean {
  return placeOf(text) !== undefined;
}

function cursorOf({ tx, id }: { tx: number; id: number }): string {
  return `${tx}-${id}`;
}

/** `TX-ID`; an `ID` alone is one of an embedded store, where transactions follow one another. */
function placeOf(cursor: string): { tx: number; id: number } | undefined {
  const match = /^(?:(\d{1,16})-)?(\d{1,16})$/.exec(cursor);
  if (!match) return undefined;
  const place = { tx: Number(match[1] ?? 0), id: Number(match[2]) };
  return Number.isSafeInteger(place.tx) && Number.isSafeInteger(place.id) ? place : undefined;
}

function isAfter(cursor: string) {
  const place = placeOf(cursor);
  if (!place) throw new RangeError(`${JSON.stringify(cursor)} is no cursor of events`);
  return sql<SqlBool>`(tx, id) > (${place.tx}, ${place.id})`;
}

/** Ensures that no more than the newest `keep` events stay. */
export async function trimEvents(transaction: Transaction, keep: number): Promise<void> {
  const newest = await transaction
    .selectFrom('events')
    .select((query) => query.fn.max('id').as('id'))
    .executeTakeFirst();
  if (newest?.id)
    await transaction
      .deleteFrom('events')
      .where('id', '<=', newest.id - keep)
      .execute();
}
