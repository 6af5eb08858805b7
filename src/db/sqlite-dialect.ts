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
  /** Undefined for a statement that gives no rows. */
  rowOf: ((values: readonly unknown[]) => object) | undefined;
}

/** How many prepared statements a connection keeps; queries are few, but filters combine. */
const maxStatements = 500;

/**
 * One connection of node:sqlite as Kysely sees it. Statements are prepared once for each SQL text, so a connection
 * that changes the schema must not go on being used for queries.
 * Transactions are not Kysely's here: `CommitQueue` opens and closes them around whole batches.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, PreparedStatement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { statement, rowOf } = this.#prepare(query.sql);
    const parameters = query.parameters.map(toSqlite);
    // Rows are typed by Kysely from the table types; SQLite itself promises nothing.
    if (rowOf) return { rows: valuesOf(statement.all(...parameters)).map(rowOf) as Row[] };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    const { statement, rowOf } = this.#prepare(query.sql);
    if (!rowOf) return;
    for (const values of statement.iterate(...query.parameters.map(toSqlite)))
      // As in executeQuery: the row type is Kysely's.
      yield { rows: valuesOf([values]).map(rowOf) as Row[] };
  }

  #prepare(sql: string): PreparedStatement {
    const known = this.#statements.get(sql);
    if (known) return known;
    if (this.#statements.size >= maxStatements) this.#statements.clear();
    const statement = this.#database.prepare(sql);
    const names = statement.columns().map((column) => column.name);
    statement.setReturnArrays(true);
    const prepared = { statement, rowOf: names.length > 0 ? rowMaker(names) : undefined };
    this.#statements.set(sql, prepared);
    return prepared;
  }
}

/** With `setReturnArrays` a row is an array, which its published type does not say. */
function valuesOf(rows: readonly unknown[]): readonly (readonly unknown[])[] {
  return rows as readonly (readonly unknown[])[];
}

/**
 * Makes rows of one shape, by copying an empty one. The objects that node:sqlite makes itself are hash tables, slower
 * to make and much slower to read: with them a page of a thousand nodes takes half as long again.
 */
function rowMaker(names: readonly string[]): (values: readonly unknown[]) => object {
  const empty: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, null]));
  return (values) => {
    const row = { ...empty };
    names.forEach((name, index) => (row[name] = values[index]));
    return row;
  };
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
