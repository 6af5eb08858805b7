// How far the events were sent to each destination outside, and which process sends them there.
import { type Clock, wireTime } from '#model/clock.ts';
import type { Transaction } from './store.ts';

export interface RelayHold {
  readonly name: string;
  /** The process that sends. */
  readonly holder: string;
  readonly seconds: number;
}

/**
 * Takes the sending to a destination for a while, or goes on holding it; gives the cursor after which to go on.
 * Undefined while another process has it. A destination that is new begins at `from`.
 */
export async function holdRelay(
  transaction: Transaction,
  { name, holder, seconds }: RelayHold,
  from: string,
  clock: Clock,
): Promise<string | undefined> {
  const held_until = wireTime(clock.now() + seconds * 1000);
  await transaction
    .insertInto('relays')
    .values({ name, cursor: from, holder, held_until })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const row = await transaction
    .updateTable('relays')
    .set({ holder, held_until })
    .where('name', '=', name)
    .where((is) => is.or([is('holder', '=', holder), is('held_until', '<=', wireTime(clock.now()))]))
    .returning('cursor')
    .executeTakeFirst();
  return row?.cursor;
}

/** Ensures that whoever goes on does so after this cursor. False, with nothing changed, when another process has it. */
export async function moveRelay(
  transaction: Transaction,
  { name, holder, seconds }: RelayHold,
  cursor: string,
  clock: Clock,
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('relays')
    .set({ cursor, held_until: wireTime(clock.now() + seconds * 1000) })
    .where('name', '=', name)
    .where('holder', '=', holder)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Lets another process have it at once. */
export async function releaseRelay(
  transaction: Transaction,
  { name, holder }: RelayHold,
  clock: Clock,
): Promise<void> {
  await transaction
    .updateTable('relays')
    .set({ held_until: wireTime(clock.now()) })
    .where('name', '=', name)
    .where('holder', '=', holder)
    .execute();
}

/** Forgets destinations that no process sent to since `before`; says which. */
export async function deleteStaleRelays(transaction: Transaction, before: string): Promise<string[]> {
  const rows = await transaction
    .deleteFrom('relays')
    .where('held_until', '<', before)
    .returning('name')
    .execute();
  return rows.map(({ name }) => name);
}
