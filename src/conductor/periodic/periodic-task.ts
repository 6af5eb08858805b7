import type { RequestContext } from '#protocol/rpc.ts';
import type { Provisioning } from '../provisioning.ts';

/** Background work of a conductor. */
export interface PeriodicTask {
  readonly name: string;
  /** Seconds between the end of a run and the beginning of the next; 0 turns it off. */
  spacingSeconds(settings: Provisioning['parts']['settings']): number;
  /** May be repeated. A throw is logged; the next run comes all the same. */
  run(provisioning: Provisioning, context: RequestContext): Promise<void>;
}

/** Does work for each item, at most `limit` at a time. One that fails is told of and does not stop the others. */
export async function forEachAtMost<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
