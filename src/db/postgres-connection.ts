import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type pg from 'pg';
import { understood, WriteConflict } from './postgres-errors.ts';
import type { StatementNames } from './statement-names.ts';
import type { Tables } from './tables.ts';

/** A session with the server, as Kysely sees it and as the store needs it. */
export class PostgresConnection implements DatabaseConnection {
  readonly client: pg.PoolClient;
  /** Names the session's row in `writers`. */
  readonly id: string;
  /** Queries of this session. */
  readonly queries: Kysely<Tables>;
  /** How many transactions it began. */
  writes = 0;
  /** What made the session useless; it is not to be used again. */
  broken: Error | undefined;
  /** Some statement since this was last cleared lost against another transaction, whatever became of its error. */
  hasConflicted = false;
  readonly #names: StatementNames;

  constructor(client: pg.PoolClient, id: string, names: StatementNames) {
    this.client = client;
    this.id = id;
    this.#names = names;
    this.queries = new Kysely<Tables>({
      dialect: postgresDialect({ acquire: async () => this, release: () => {} }),
    });
    // Without a listener a session that dies would end the process.
    client.on('error', (error) => (this.broken ??= error));
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const name = this.#names.of(sql);
    const values = parameters.map(toPostgres);
    const result = await this.send<Row>({ text: sql, values, ...(name === undefined ? {} : { name }) });
    return { rows: result.rows, numAffectedRows: BigInt(result.rowCount ?? 0) };
  }

  // oxlint-disable-next-line require-yield -- nothing streams, and a result is at most one page
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Streams of rows are not there; ask by page');
  }

  /** Sends one statement without waiting for what was sent before it. Throws as `understood` says. */
  async send<Row>(statement: pg.QueryConfig): Promise<Omit<pg.QueryResult, 'rows'> & { rows: Row[] }> {
    try {
      // Rows are typed by Kysely from the table types, or by whoever wrote the statement.
      return (await this.client.query(statement)) as Omit<pg.QueryResult, 'rows'> & { rows: Row[] };
    } catch (error) {
      const meaning = understood(error);
      if (meaning instanceof WriteConflict) this.hasConflicted = true;
      else if (meaning !== error) this.broken ??= error instanceof Error ? error : new Error(String(error));
      throw meaning;
    }
  }
}

/**
 * Booleans are kept as 0 or 1 on every database. PostgreSQL's text has no place for the character zero, which a BMC
 * that answers garbage may well have sent.
 */
function toPostgres(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : (value ?? null);
}

/** A Kysely dialect over sessions from wherever. Transactions are the store's own. */
export function postgresDialect(sessions: {
  acquire(): Promise<PostgresConnection>;
  release(connection: PostgresConnection): void;
}): Dialect {
  const transactionsElsewhere = async (): Promise<never> => {
    throw new Error('Transactions go through Store.write');
  };
  const driver: Driver = {
    init: async () => {},
    acquireConnection: async () => await sessions.acquire(),
    beginTransaction: transactionsElsewhere,
    commitTransaction: transactionsElsewhere,
    rollbackTransaction: transactionsElsewhere,
    // What is released is what was acquired.
    releaseConnection: async (connection) => sessions.release(connection as PostgresConnection),
    destroy: async () => {},
  };
  return {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createDriver: () => driver,
  };
}
