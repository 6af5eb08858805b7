import type { Signals } from '#protocol/signals.ts';
import type { Store, Transaction } from './store.ts';

/** The store, telling every process of new events once their commit is on the disk. */
export function tellingOfEvents(store: Store, signals: Signals): Store {
  let isTelling = false;
  // Commits that end together are told of once.
  const tell = (): void => {
    if (isTelling) return;
    isTelling = true;
    setImmediate(() => {
      isTelling = false;
      signals.tell('events.added', {});
    });
  };
  return {
    read: store.read,
    async write(change) {
      let adds = false;
      const result = await store.write(async (transaction) => {
        adds = false;
        return await change(
          watched(transaction, () => {
            adds = true;
          }),
        );
      });
      if (adds) tell();
      return result;
    },
    [Symbol.asyncDispose]: async () => await store[Symbol.asyncDispose](),
  };
}

/** The same transaction, which says when something is added to the events. */
function watched(transaction: Transaction, onEvent: () => void): Transaction {
  const insertInto: Transaction['insertInto'] = (table) => {
    if (table === 'events') onEvent();
    return transaction.insertInto(table);
  };
  return {
    insertInto,
    selectFrom: transaction.selectFrom.bind(transaction),
    updateTable: transaction.updateTable.bind(transaction),
    deleteFrom: transaction.deleteFrom.bind(transaction),
    getExecutor: () => transaction.getExecutor(),
    fn: transaction.fn,
  };
}
