import { Kysely } from 'kysely';
import { systemClock, systemRandom } from '#model/clock.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { type PostgresConnection, postgresDialect } from './postgres-connection.ts';
import { WriteConflict } from './postgres-errors.ts';
import { type PoolLimits, PostgresPool } from './postgres-pool.ts';
import { migrate } from './postgres-schema.ts';
import { StatementNames } from './statement-names.ts';
import { type Store, StoreError, type Transaction } from './store.ts';
import type { Tables } from './tables.ts';

export interface PostgresLimits extends PoolLimits {
  /** How long the server may be away before a commit whose answer was lost is told as not known. */
  readonly outcomeMilliseconds?: number;
}

const defaultLimits: PostgresLimits = { connections: 10, queue: 10_000 };
const defaultOutcomeMilliseconds = 60_000;

/** How often a write runs before it is given up, when others keep changing the same rows first. */
const mostAttempts = 30;

/** How often it runs beside all others. From then on it waits for those that lost as often as itself. */
const attemptsAtWill = 2;

/**
 * Opens a store on a PostgreSQL server and brings its tables up to date. Any number of processes may have it open.
 *
 * A write sees one snapshot from its beginning to its end, and runs again when another one changed the same rows first.
 * It resolves if and only if it is committed, also when the connection ended while it was committing.
 */
export async function openPostgresStore(url: string, limits: PostgresLimits = defaultLimits): Promise<Store> {
  const { outcomeMilliseconds = defaultOutcomeMilliseconds } = limits;
  const names = new StatementNames();
  // Apart, so that a herd of writers leaves readers their turn.
  const ofReaders = Math.max(1, Math.floor(limits.connections / 3));
  const ofWriters = Math.max(1, limits.connections - ofReaders);
  const writing = new PostgresPool(url, { ...limits, connections: ofWriters }, names);
  const reading = new PostgresPool(url, { ...limits, connections: ofReaders }, names);
  const writes = new Set<Promise<unknown>>();
  const close = async (): Promise<void> => {
    await Promise.allSettled(writes);
    await writing.end();
    await reading.end();
  };
  try {
    await withConnection(writing, migrate);
  } catch (error) {
    await close();
    throw new StoreError(withoutPassword(url), error);
  }
  const read = new Kysely<Tables>({
    dialect: postgresDialect({
      acquire: async () => await reading.take(),
      release: (connection) => reading.giveBack(connection),
    }),
  });
  return {
    read,
    async write(change) {
      const written = writeTo(writing, change, outcomeMilliseconds);
      writes.add(written);
      return await written.finally(() => writes.delete(written));
    },
    [Symbol.asyncDispose]: close,
  };
}

async function writeTo<T>(
  pool: PostgresPool,
  change: (transaction: Transaction) => Promise<T>,
  outcomeMilliseconds: number,
): Promise<T> {
  for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
    const end = await withConnection(
      pool,
      async (connection) => await attemptWrite(connection, change, attempt > attemptsAtWill),
    );
    switch (end.kind) {
      case 'committed':
        return end.value;
      case 'conflict':
        await systemClock.sleep(backOff(attempt));
        break;
      case 'lost':
        if (await wasCommitted(pool, end, outcomeMilliseconds)) return end.value;
    }
  }
  throw new TemporaryFailure('Too many others change the same at once; please retry later.');
}

type WriteEnd<T> =
  | { kind: 'committed'; value: T }
  | { kind: 'conflict' }
  /** The connection ended before the answer to COMMIT came. */
  | { kind: 'lost'; value: T; session: string; write: number };

async function attemptWrite<T>(
  connection: PostgresConnection,
  change: (transaction: Transaction) => Promise<T>,
  inTurn: boolean,
): Promise<WriteEnd<T>> {
  connection.hasConflicted = false;
  const begun = begin(connection, inTurn);
  // It is waited for below; until then its failure is also that of the statements behind it.
  begun.catch(() => {});
  let value: T;
  try {
    value = await change(connection.queries);
    await begun;
  } catch (error) {
    await connection.send({ text: 'rollback' }).catch(() => {});
    if (connection.hasConflicted && !connection.broken) return { kind: 'conflict' };
    throw error;
  }
  return await commit(connection, value);
}

/**
 * Begins a transaction, and leaves its number in the session's own row: whoever reads the row later knows whether this
 * transaction was committed, on this server after a crash or on the one that took its place.
 */
async function begin(connection: PostgresConnection, inTurn: boolean): Promise<void> {
  connection.writes += 1;
  // To lock a table takes no snapshot yet: what is seen is what the one before in the line left.
  const standInLine = inTurn ? '; lock table contention in exclusive mode' : '';
  await Promise.all([
    connection.send({ text: `begin isolation level repeatable read${standInLine}` }),
    connection.send({
      name: 'begin',
      text:
        'insert into writers (id, last_write) values ($1, $2) ' +
        'on conflict (id) do update set last_write = excluded.last_write, used_at = now()',
      values: [connection.id, connection.writes],
    }),
  ]);
}

async function commit<T>(connection: PostgresConnection, value: T): Promise<WriteEnd<T>> {
  try {
    const { command } = await connection.send({ text: 'commit' });
    if (command === 'COMMIT') return { kind: 'committed', value };
  } catch (error) {
    if (error instanceof WriteConflict) return { kind: 'conflict' };
    if (connection.broken) return { kind: 'lost', value, session: connection.id, write: connection.writes };
    throw error;
  }
  // A statement failed, and `change` took no notice: nothing of it is there.
  if (connection.hasConflicted) return { kind: 'conflict' };
  throw new Error('A statement of the transaction failed without failing the transaction');
}

/**
 * Whether the session's last transaction was committed, asked once the server is back. Throws TemporaryFailure when that
 * cannot be known in time.
 */
async function wasCommitted(
  pool: PostgresPool,
  lost: { session: string; write: number },
  milliseconds: number,
): Promise<boolean> {
  const until = systemClock.now() + milliseconds;
  for (let attempt = 1; systemClock.now() < until; attempt += 1) {
    try {
      return await withConnection(pool, async ({ queries }) => {
        const row = await queries
          .insertInto('writers')
          .values({ id: lost.session, last_write: 0 })
          // Waits while the server still has the transaction open, whether it made the row or changed it.
          .onConflict((conflict) => conflict.column('id').doUpdateSet({ id: lost.session }))
          .returning('last_write')
          .executeTakeFirst();
        return row?.last_write === lost.write;
      });
    } catch (error) {
      if (!(error instanceof TemporaryFailure || error instanceof WriteConflict)) throw error;
      await systemClock.sleep(backOff(attempt));
    }
  }
  throw new TemporaryFailure(
    'The database went away while it stored this, and did not come back in time: it is not known whether it is stored.',
  );
}

async function withConnection<T>(
  pool: PostgresPool,
  work: (connection: PostgresConnection) => Promise<T>,
): Promise<T> {
  const connection = await pool.take();
  try {
    return await work(connection);
  } finally {
    pool.giveBack(connection);
  }
}

/** Longer with each attempt up to about a second, and by chance, so that those who collided do not meet again. */
function backOff(attempt: number): number {
  return systemRandom.fraction() * Math.min(1000, 2 ** Math.min(attempt, 10));
}

function withoutPassword(url: string): string {
  return url.replace(/:[^:@/]*@/, ':***@').replace(/\?.*$/, '');
}
