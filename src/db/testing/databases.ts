// Every database that the store knows, for tests: a fresh, empty one for each test.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Client } from 'pg';
import { type Postgres, startPostgres } from '#sim/cluster/postgres.ts';
import type { DatabaseKind } from '../migrations.ts';
import { openStore } from '../open-store.ts';
import type { Store } from '../store.ts';
import { watchedStore } from './watched-store.ts';

export interface TestDatabase extends AsyncDisposable {
  /** As `[database] connection` names it. */
  readonly connection: string;
}

/** The kinds of databases that tests of queries run on. */
export const databases: readonly DatabaseKind[] = ['sqlite', 'postgres'];

/**
 * Where tests that are not about the database keep their data: `INGOT_TEST_DATABASE=postgres` runs them all on the
 * other one, and `on-postgres.test.ts` those of its folder.
 */
export function usualDatabase(): DatabaseKind {
  return process.env['INGOT_TEST_DATABASE'] === 'postgres' ? 'postgres' : 'sqlite';
}

const limits = { batch: 256, queue: 10_000, connections: 6 };

/** A database that nobody else uses, without tables. */
export async function aDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  return await (kind === 'sqlite' ? aSqliteDatabase() : aPostgresDatabase('template1'));
}

/** An empty store that nobody else uses. */
export async function openTestStore(kind: DatabaseKind = usualDatabase()): Promise<Store> {
  return await (kind === 'sqlite' ? openSqlite() : openEmptied());
}

async function openSqlite(): Promise<Store> {
  const database = await aSqliteDatabase();
  const store = await openStore(database.connection, limits);
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Stores on the server that are free again: to open one takes ten times as long as to empty it. */
const free: { store: Store; database: TestDatabase }[] = [];

async function openEmptied(): Promise<Store> {
  const mine = free.pop() ?? (await openOnServer());
  inUse += 1;
  const calls = new Set<Promise<unknown>>();
  let isClosed = false;
  const watched = watchedStore(mine.store, async (call) => {
    if (isClosed) throw new Error('The store is closed');
    const called = call();
    calls.add(called);
    return await called.finally(() => calls.delete(called));
  });
  return {
    ...watched,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await Promise.allSettled(calls);
      await empty(mine.database);
      free.push(mine);
      inUse -= 1;
      if (areTestsOver) await endServer();
    },
  };
}

async function openOnServer(): Promise<{ store: Store; database: TestDatabase }> {
  const database = await aPostgresDatabase('ingot');
  return { store: await openStore(database.connection, limits), database };
}

async function empty({ connection }: TestDatabase): Promise<void> {
  const client = new Client(connection);
  await client.connect();
  await client.query(emptyAll);
  await client.end();
}

const emptyAll = `do $$
declare name text;
begin
  set local session_replication_role = replica;
  for name in select tablename from pg_tables where schemaname = 'public' and tablename <> 'schema_version' loop
    execute format('delete from %I', name);
  end loop;
  for name in select sequencename from pg_sequences where schemaname = 'public' loop
    execute format('alter sequence %I restart', name);
  end loop;
end $$`;

/** The same test on each kind of database. */
export function testOnEach(name: string, body: (openStore: () => Promise<Store>) => Promise<void>): void {
  for (const kind of databases)
    test(`${name} (${kind})`, async () => await body(async () => await openTestStore(kind)));
}

async function aSqliteDatabase(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-store-'));
  return {
    connection: `sqlite:///${join(folder, 'test.sqlite')}`,
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true }),
  };
}

interface Server {
  readonly postgres: Postgres;
  readonly client: Client;
}

let server: Promise<Server> | undefined;
let made = 0;
let inUse = 0;
let areTestsOver = false;

/** One server for all tests of a process, with what tests need of it: speed. Those that crash one start their own. */
async function startServer(): Promise<Server> {
  const settings = { full_page_writes: 'off', autovacuum: 'off' };
  const postgres = await startPostgres({ fsync: false, settings });
  const client = new Client(postgres.urlOf('postgres'));
  await client.connect();
  // A copy of a database with tables is made faster than tables.
  const template = await openStore(postgres.url, limits);
  await template[Symbol.asyncDispose]();
  return { postgres, client };
}

async function aPostgresDatabase(template: 'ingot' | 'template1'): Promise<TestDatabase> {
  const { postgres, client } = await (server ??= startServer());
  made += 1;
  const name = `test_${made}`;
  await client.query(`create database ${name} template ${template} strategy file_copy`);
  return {
    connection: postgres.urlOf(name),
    [Symbol.asyncDispose]: async () => void (await client.query(`drop database ${name} with (force)`)),
  };
}

// What a file's own hooks give back, they may give back after this one.
after(async () => {
  areTestsOver = true;
  await endServer();
});

async function endServer(): Promise<void> {
  if (inUse > 0 || !server) return;
  const { client, postgres } = await server;
  for (const { store } of free.splice(0)) await store[Symbol.asyncDispose]();
  await client.end();
  await postgres.remove();
}
