import { type CustomTypesConfig, Pool, type PoolClient, types } from 'pg';
import { TemporaryFailure } from '#model/faults.ts';
import { PostgresConnection } from './postgres-connection.ts';
import { understood } from './postgres-errors.ts';
import type { StatementNames } from './statement-names.ts';

export interface PoolLimits {
  /** How many sessions with the server there are at most. */
  readonly connections: number;
  /** How many may wait for one; one more is refused with TemporaryFailure. */
  readonly queue: number;
}

/** How long one statement, and the wait for a session, may take before the server counts as away. */
const patienceMilliseconds = 30_000;

const int8 = 20;

/** Numbers of rows are far below 2^53, so that they are numbers here as they are on SQLite. */
const parsers: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === int8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

/**
 * What each session is told and asked first. One that a frozen process holds in the middle of a transaction is ended by
 * the server, with its locks. A server that only follows another would show what is no longer so.
 */
const greeting = `select
  set_config('idle_in_transaction_session_timeout', '10s', false),
  set_config('synchronous_commit', case current_setting('synchronous_commit')
    when 'off' then 'on' else current_setting('synchronous_commit') end, false),
  pg_is_in_recovery() as follows, current_setting('server_encoding') as encoding`;

/** A bounded number of sessions, made when needed and made anew when the server was away. */
export class PostgresPool {
  readonly #pool: Pool;
  readonly #limits: PoolLimits;
  readonly #names: StatementNames;
  readonly #connections = new WeakMap<PoolClient, PostgresConnection>();
  #inUse = 0;
  #whenIdle: (() => void) | undefined;

  constructor(url: string, limits: PoolLimits, names: StatementNames) {
    this.#limits = limits;
    this.#names = names;
    this.#pool = new Pool({
      connectionString: url,
      max: limits.connections,
      connectionTimeoutMillis: patienceMilliseconds,
      query_timeout: patienceMilliseconds,
      idleTimeoutMillis: 300_000,
      keepAlive: true,
      application_name: 'ingot',
      pipeline: true,
      types: parsers,
    });
    // An idle session that ended is out of the pool by itself.
    this.#pool.on('error', () => {});
  }

  /** A session that nobody else uses until it is given back. Throws TemporaryFailure. */
  async take(): Promise<PostgresConnection> {
    const { connections, queue } = this.#limits;
    if (this.#inUse >= connections + queue) throw new TemporaryFailure();
    this.#inUse += 1;
    try {
      return await this.#take();
    } catch (error) {
      this.#leave();
      throw understood(error);
    }
  }

  giveBack(connection: PostgresConnection): void {
    connection.client.release(connection.broken);
    this.#leave();
  }

  /** Waits for what is under way, and closes. */
  async end(): Promise<void> {
    if (this.#inUse > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    await this.#pool.end();
  }

  async #take(): Promise<PostgresConnection> {
    const client = await this.#pool.connect();
    const known = this.#connections.get(client);
    if (known) return known;
    const connection = new PostgresConnection(client, crypto.randomUUID(), this.#names);
    try {
      await greet(connection);
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.#connections.set(client, connection);
    return connection;
  }

  #leave(): void {
    this.#inUse -= 1;
    if (this.#inUse === 0) this.#whenIdle?.();
  }
}

async function greet(connection: PostgresConnection): Promise<void> {
  const { rows } = await connection.send<{ follows: boolean; encoding: string }>({ text: greeting });
  const [server] = rows;
  if (server?.follows)
    throw new TemporaryFailure('The database server that answers follows another one and takes no writes');
  if (server?.encoding !== 'UTF8')
    throw new Error(`the database's encoding is ${server?.encoding}, and has to be UTF8`);
}
