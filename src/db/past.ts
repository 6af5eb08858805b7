// How long work of a kind took in this fleet, from what is kept of operations and events.
import type { OperationKind } from '#protocol/operation.ts';
import type { Reader } from './store.ts';

/** How long something took the last times, in seconds. */
export interface Durations {
  /** How many are known. */
  count: number;
  median: number;
  /** Nine of ten took no longer. */
  p90: number;
}

/** Of this many operations that ended last. */
const newest = 200;

/** How long operations of a kind took that ended well on nodes of a driver; null when there were none. */
export async function readPastOperations(
  reader: Reader,
  kind: OperationKind,
  driver: string,
): Promise<Durations | null> {
  const rows = await reader
    .selectFrom('operations')
    .innerJoin('nodes', 'nodes.uuid', 'operations.node_uuid')
    .select(['operations.created_at as begun', 'operations.finished_at as ended'])
    .where('operations.kind', '=', kind)
    .where('operations.state', '=', 'done')
    .where('nodes.driver', '=', driver)
    .orderBy('operations.finished_at', 'desc')
    .limit(newest)
    .execute();
  return durationsOf(rows.map(({ begun, ended }) => secondsBetween(begun, ended ?? begun)));
}

/**
 * How long each step took in those operations, by `interface.step`: from its beginning to the beginning of what came
 * next, as events tell.
 */
export async function readPastSteps(
  reader: Reader,
  kind: OperationKind,
  driver: string,
): Promise<Record<string, Durations>> {
  const rows = await reader
    .selectFrom('events')
    .innerJoin('operations', 'operations.id', 'events.operation_id')
    .innerJoin('nodes', 'nodes.uuid', 'operations.node_uuid')
    .select(['events.operation_id as operation', 'events.kind', 'events.at', 'events.data'])
    .where('events.kind', 'in', ['step.started', 'step.finished'])
    .where('nodes.driver', '=', driver)
    .where('operations.kind', '=', kind)
    .where('operations.state', '=', 'done')
    .orderBy('events.id', 'desc')
    .limit(newest * stepsOfOne)
    .execute();
  const begun = new Map<string, string>();
  const seconds: Record<string, number[]> = {};
  for (const { operation, kind: what, at, data } of rows.toReversed()) {
    const { interface: type, step } = JSON.parse(data) as { interface: string; step: string }; // Written with each.
    const key = `${operation} ${type}.${step}`;
    const start = begun.get(key);
    if (what === 'step.started') begun.set(key, at);
    else if (start !== undefined) (seconds[`${type}.${step}`] ??= []).push(secondsBetween(start, at));
  }
  return Object.fromEntries(
    Object.entries(seconds).flatMap(([name, all]) => {
      const durations = durationsOf(all);
      return durations ? [[name, durations]] : [];
    }),
  );
}

/** Beginnings and ends of so many steps of one operation are read, more or less. */
const stepsOfOne = 24;

export function durationsOf(seconds: readonly number[]): Durations | null {
  if (seconds.length === 0) return null;
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, median: rounded(at(0.5)), p90: rounded(at(0.9)) };
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}

const rounded = (seconds: number): number => Math.round(seconds * 10) / 10;
