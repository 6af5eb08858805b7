import type { RequestContext } from '#protocol/rpc.ts';
import type { ConductorWorkings } from '../workings.ts';

/** Background work of a conductor. */
export interface PeriodicTask {
  readonly name: string;
  /** Seconds between the end of a run and the beginning of the next; 0 turns it off. */
  spacingSeconds(settings: ConductorWorkings['parts']['settings']): number;
  /** May be repeated. A throw is logged; the next run comes all the same. */
  run(workings: ConductorWorkings, context: RequestContext): Promise<void>;
}

/** So many of the failures of one run are told. */
const mostTold = 10;

/** Does work for each item, at most `limit` at a time. One that fails does not stop the others; it is thrown at the end. */
export async function forEachAtMost<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const errors: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      await work(next.value).catch((error: unknown) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (errors.length > 0) throw new AggregateError(errors.slice(0, mostTold), `${errors.length} failed`);
}
