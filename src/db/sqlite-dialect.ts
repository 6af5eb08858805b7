import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

interface PreparedStatement {
  statement: StatementSync;
  returnsRows: boolean;
}

/** How many prepared statements a connection keeps; queries are few, but filters combine. */
const maxStatements = 500;

/**
 * One connection of node:sqlite as Kysely sees it. Statements are prepared once for each SQL text.
 * Transactions are not Kysely's here: `CommitQueue` opens and closes them around whole batches.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, PreparedStatement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { statement, returnsRows } = this.#prepare(query.sql);
    const parameters = query.parameters.map(toSqlite);
    // Rows are typed by Kysely from the table types; SQLite itself promises nothing.
    if (returnsRows) return { rows: statement.all(...parameters) as Row[] };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    const { statement } = this.#prepare(query.sql);
    // As in executeQuery: the row type is Kysely's.
    for (const row of statement.iterate(...query.parameters.map(toSqlite))) yield { rows: [row as Row] };
  }

  #prepare(sql: string): PreparedStatement {
    const known = this.#statements.get(sql);
    if (known) return known;
    if (this.#statements.size >= maxStatements) this.#statements.clear();
    const statement = this.#database.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    this.#statements.set(sql, prepared);
    return prepared;
  }
}

/** SQLite knows no booleans; every boolean column is 0 or 1. */
function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === undefined) return null;
  return value as SQLInputValue; // Column types admit text, numbers, null and bytes only.
}

/** A Kysely dialect over one connection that is shared by all callers: node:sqlite answers synchronously. */
export function sqliteDialect(connection: SqliteConnection): Dialect {
  const transactionsElsewhere = async (): Promise<never> => {
    throw new Error('Transactions on SQLite go through Store.write');
  };
  return {
    createAdapter: () => new SqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createDriver: () => ({
      init: async () => {},
      acquireConnection: async () => connection,
      beginTransaction: transactionsElsewhere,
      commitTransaction: transactionsElsewhere,
      rollbackTransaction: transactionsElsewhere,
      releaseConnection: async () => {},
      destroy: async () => {},
    }),
  };
}
