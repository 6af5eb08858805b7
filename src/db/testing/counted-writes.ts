import { passGate } from '../gate.ts';
import type { Store, Transaction } from '../store.ts';

/** A write that every other of the same name collides with, and that shows when it is done twice or not at all. */
export async function countOne(transaction: Transaction, name: string): Promise<void> {
  await passGate(transaction, name);
}

/** How many were stored. */
export async function countOf(store: Store, name: string): Promise<number> {
  const query = store.read.selectFrom('gates').select('passed').where('name', '=', name);
  return (await query.executeTakeFirst())?.passed ?? 0;
}
