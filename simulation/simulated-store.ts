// The real store on a disk of memory, at the end of a wire that can be cut, on a machine that can fail.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { openSqliteStore, type Store, type Transaction } from '#db/store.ts';
import type { Tables } from '#db/tables.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { type Guard, unfenced } from './guards.ts';
import { Look } from './look.ts';
import type { Network } from './network.ts';
import type { Party } from './party.ts';
import type { SeededRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** After so long without an answer a request to the database is given up. */
const patienceMilliseconds = 10_000;

export class SimulatedStore implements AsyncDisposable {
  readonly look: Look;
  /** Nothing can be read or written: the database is moving to another machine. */
  isDown = false;
  /** How many writes it took. */
  commits = 0;
  readonly #real: Store;
  readonly #folder: string;
  readonly #path: string;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #random: SeededRandom;
  readonly #without: ReadonlySet<Guard>;

  private constructor(
    real: Store,
    folder: string,
    path: string,
    world: { scheduler: Scheduler; network: Network; random: SeededRandom; without: ReadonlySet<Guard> },
  ) {
    this.#real = real;
    this.#folder = folder;
    this.#path = path;
    this.#scheduler = world.scheduler;
    this.#network = world.network;
    this.#random = world.random;
    this.#without = world.without;
    this.look = new Look(path);
  }

  static async open(world: {
    scheduler: Scheduler;
    network: Network;
    random: SeededRandom;
    without: ReadonlySet<Guard>;
  }): Promise<SimulatedStore> {
    const memory = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() ? '/dev/shm' : tmpdir();
    const folder = mkdtempSync(join(memory, 'ingot-simulation-'));
    const path = join(folder, 'store.sqlite');
    return new SimulatedStore(await openSqliteStore(path), folder, path, world);
  }

  /** The store as one process sees it. */
  of(party: Party): Store {
    return {
      read: this.#readerOf(party),
      write: async (change) => await party.through(async () => await this.#write(party, change)),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  /** What stands there now; what is committed after it is gone when it is brought back. */
  snapshot(): string {
    const copy = join(this.#folder, `snapshot-${this.#random.uuid()}.sqlite`);
    using database = new DatabaseSync(this.#path, { readOnly: true });
    database.exec(`VACUUM INTO '${copy}'`);
    return copy;
  }

  /** The other machine of the database had not got what came after the snapshot. */
  bringBack(copy: string): void {
    using database = new DatabaseSync(this.#path, { enableForeignKeyConstraints: false });
    database.exec(`ATTACH '${copy}' AS old`);
    const tables = database.prepare("SELECT name FROM old.sqlite_master WHERE type = 'table'").all();
    database.exec('BEGIN IMMEDIATE');
    for (const { name } of tables) {
      database.exec(`DELETE FROM main."${String(name)}"`);
      database.exec(`INSERT INTO main."${String(name)}" SELECT * FROM old."${String(name)}"`);
    }
    database.exec('COMMIT; DETACH old');
    this.commits += 1;
    rmSync(copy);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.look.close();
    await this.#real[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true });
  }

  async #write<T>(party: Party, change: (transaction: Transaction) => Promise<T>): Promise<T> {
    await this.#network.travel();
    if (this.#network.isCut(party.name, 'store')) await this.#isLostOrLate(party);
    if (this.isDown) throw new TemporaryFailure('The database does not answer');
    const value = await this.#scheduler.standStill(
      async () => await this.#real.write(async (transaction) => await change(this.#guarded(transaction))),
    );
    this.commits += 1;
    // Its answer is lost, and what became of it is asked for when somebody can be asked.
    await this.#network.whole(party.name, 'store');
    await this.#network.travel();
    return value;
  }

  /** A request into a cut wire may come through when the wire is mended, long after anybody counts on it. */
  async #isLostOrLate(party: Party): Promise<void> {
    if (this.#random.chance(0.5)) return await this.#network.whole(party.name, 'store');
    await this.#scheduler.pause(patienceMilliseconds);
    throw new TemporaryFailure('The database cannot be reached');
  }

  #guarded(transaction: Transaction): Transaction {
    if (!this.#without.has('fence')) return transaction;
    // Every transaction of the store is a Kysely; the type only says less of it.
    return (transaction as Kysely<Tables>).withPlugin(unfenced);
  }

  #readerOf(party: Party): Kysely<Tables> {
    const connection: DatabaseConnection = {
      executeQuery: async <Row>(query: CompiledQuery) =>
        await party.through(async () => await this.#query<Row>(party, query)),
      // oxlint-disable-next-line require-yield -- nobody streams
      async *streamQuery() {
        throw new Error('Nothing is streamed from the simulated store');
      },
    };
    return new Kysely<Tables>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createQueryCompiler: () => new SqliteQueryCompiler(),
        createIntrospector: (db) => new SqliteIntrospector(db),
        createDriver: () => ({
          init: async () => {},
          acquireConnection: async () => connection,
          beginTransaction: async () => {},
          commitTransaction: async () => {},
          rollbackTransaction: async () => {},
          releaseConnection: async () => {},
          destroy: async () => {},
        }),
      },
    });
  }

  async #query<Row>(party: Party, query: CompiledQuery): Promise<QueryResult<Row>> {
    await this.#network.travel();
    if (this.#network.isCut(party.name, 'store')) {
      await this.#scheduler.pause(patienceMilliseconds);
      throw new TemporaryFailure('The database cannot be reached');
    }
    if (this.isDown) throw new TemporaryFailure('The database does not answer');
    return await this.#real.read.getExecutor().executeQuery<Row>(query);
  }
}
