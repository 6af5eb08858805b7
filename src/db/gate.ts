import type { Transaction } from './store.ts';

/**
 * Ensures that of the transactions that pass a gate of this name each sees all that the ones before it wrote. One that
 * counts rows to stay within a limit needs it: two that count at once and write different rows would both find room for
 * one.
 */
export async function passGate(transaction: Transaction, name: string): Promise<void> {
  await transaction
    .insertInto('gates')
    .values({ name, passed: 1 })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((columns) => ({ passed: columns('gates.passed', '+', 1) })),
    )
    .execute();
}
