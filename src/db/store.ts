import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, type Transaction as KyselyTransaction } from 'kysely';
import { messageOf } from '#model/message.ts';
import { type CommitLimits, CommitQueue } from './commit-queue.ts';
import { migrations, newerSchema } from './migrations.ts';
import { SqliteConnection, sqliteDialect } from './sqlite-dialect.ts';
import type { Tables } from './tables.ts';

/** Reads what is committed. */
export type Reader = Pick<Kysely<Tables>, 'selectFrom' | 'fn' | 'dynamic' | 'getExecutor'>;
/** Reads and writes within one transaction. */
export type Transaction = Pick<
  KyselyTransaction<Tables>,
  'selectFrom' | 'insertInto' | 'updateTable' | 'deleteFrom' | 'fn' | 'getExecutor'
>;

/** Everything that is kept. The only way to the database. */
export interface Store extends AsyncDisposable {
  /** Sees committed data only. */
  readonly read: Reader;
  /**
   * Ensures that what `change` wrote is on the disk, all of it, when it resolves, and that nothing of it is
   * when it rejects. `change` awaits nothing but its own queries, and may run again from its beginning.
   */
  write<T>(change: (transaction: Transaction) => Promise<T>): Promise<T>;
}

const defaultLimits: CommitLimits = { batch: 256, queue: 10_000 };

/** The database could not be opened or brought up to date. */
export class StoreError extends Error {
  constructor(path: string, cause: unknown) {
    super(`The database ${path} could not be opened: ${messageOf(cause)}`, { cause });
    this.name = 'StoreError';
  }
}

/**
 * Opens the embedded store, making it when it is not there, and brings its tables up to date.
 * Write-ahead log with `synchronous=FULL`: a commit returns when it is on the disk.
 */
export async function openSqliteStore(path: string, limits: CommitLimits = defaultLimits): Promise<Store> {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Nobody else's to read: it holds passwords of BMCs. SQLite makes the files beside it of the same mode.
    closeSync(openSync(path, 'a', 0o600));
    const writing = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: 5000 });
    writing.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY');
    await migrate(writing, new Kysely<unknown>({ dialect: sqliteDialect(new SqliteConnection(writing)) }));
    const writer = new Kysely<Tables>({ dialect: sqliteDialect(new SqliteConnection(writing)) });
    const reading = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    const read = new Kysely<Tables>({ dialect: sqliteDialect(new SqliteConnection(reading)) });
    const commits = new CommitQueue(writing, limits);
    return {
      read,
      write: async (change) => await commits.write(async () => await change(writer)),
      async [Symbol.asyncDispose]() {
        await commits.idle();
        reading.close();
        writing.close();
      },
    };
  } catch (error) {
    throw new StoreError(path, error);
  }
}

/** Applies what is missing of the migrations, in one transaction: another process that opens waits for it. */
async function migrate(database: DatabaseSync, db: Kysely<unknown>): Promise<void> {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    const applied = typeof version === 'number' ? version : 0;
    if (applied > migrations.length) throw newerSchema(applied);
    // A migration sees the database as it was then, not today's tables.
    for (const migration of migrations.slice(applied)) await migration.up(db, 'sqlite');
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
