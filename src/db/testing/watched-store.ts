import { type CompiledQuery, type DatabaseConnection, type Dialect, Kysely } from 'kysely';
import type { Store } from '../store.ts';
import type { Tables } from '../tables.ts';

/** Sees every call to a store from its beginning to its end. */
export type Watch = <T>(call: () => Promise<T>) => Promise<T>;

/** The same store with each of its calls, reads as well as writes, made through `watch`. */
export function watchedStore(store: Store, watch: Watch): Store {
  return {
    read: new Kysely<Tables>({ dialect: watchedReads(store, watch) }),
    write: async (change) => await watch(async () => await store.write(change)),
    [Symbol.asyncDispose]: async () => await store[Symbol.asyncDispose](),
  };
}

function watchedReads({ read }: Store, watch: Watch): Dialect {
  const executor = read.getExecutor();
  const connection: DatabaseConnection = {
    executeQuery: async <Row>(query: CompiledQuery) =>
      await watch(async () => await executor.executeQuery<Row>(query)),
    streamQuery: <Row>(query: CompiledQuery, chunkSize?: number) =>
      executor.stream<Row>(query, chunkSize ?? 1),
  };
  const onlyReads = async (): Promise<never> => {
    throw new Error('Transactions go through Store.write');
  };
  return {
    createAdapter: () => executor.adapter,
    createQueryCompiler: () => ({ compileQuery: (node, queryId) => executor.compileQuery(node, queryId) }),
    createIntrospector: onlyReads as never,
    createDriver: () => ({
      init: async () => {},
      acquireConnection: async () => connection,
      beginTransaction: onlyReads,
      commitTransaction: onlyReads,
      rollbackTransaction: onlyReads,
      releaseConnection: async () => {},
      destroy: async () => {},
    }),
  };
}
