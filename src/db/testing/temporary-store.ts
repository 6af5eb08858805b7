// A fresh database for every test.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, type Store } from '../store.ts';

/** A store in a temporary folder that goes away with it. */
export async function openTemporaryStore(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-store-'));
  const store = await openSqliteStore(join(folder, 'test.sqlite'));
  return {
    read: store.read,
    write: async (change) => await store.write(change),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
