// What an error of PostgreSQL or of the way to it means for whoever asked.
import { TemporaryFailure } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';

/** Two transactions wanted the same row: the one that lost runs again from its beginning. */
export class WriteConflict extends Error {
  constructor(cause: unknown) {
    super('Another transaction changed the same row first', { cause });
    this.name = 'WriteConflict';
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, by code or class of codes. */
const meanings: readonly { codes: RegExp; means: 'conflict' | 'away' }[] = [
  // serialization_failure, deadlock_detected
  { codes: /^(40001|40P01)$/, means: 'conflict' },
  // connection_exception; operator_intervention: shutting down, starting up, cancelled, ended when idle
  { codes: /^(08...|57...)$/, means: 'away' },
  // insufficient_resources: disk, memory, connections; system_error
  { codes: /^(53...|58...)$/, means: 'away' },
  // idle_in_transaction_session_timeout, read_only_sql_transaction, lock_not_available
  { codes: /^(25P03|25006|55P03)$/, means: 'away' },
  // Who connects is not let in: a password that is being changed, a database that is being restored.
  { codes: /^(28...|3D000)$/, means: 'away' },
];

/**
 * The error as the store's callers know it: WriteConflict, TemporaryFailure when the database cannot be asked now, or
 * the error itself, of a statement that was refused.
 */
export function understood(error: unknown): unknown {
  if (error instanceof TemporaryFailure || error instanceof WriteConflict) return error;
  const code = sqlState(error);
  // What has no such code never came from the server: the connection failed, or was not to be had.
  const means = code === undefined ? 'away' : meanings.find(({ codes }) => codes.test(code))?.means;
  switch (means) {
    case 'conflict':
      return new WriteConflict(error);
    case 'away':
      return new TemporaryFailure(`The database cannot be asked at the moment: ${messageOf(error)}`, {
        cause: error,
      });
    case undefined:
      return withoutValues(error);
  }
}

export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error ? error.code : undefined;
}

/** The server tells the whole row that it refused, and a node's row holds its BMC's password. */
function withoutValues(error: unknown): unknown {
  if (error instanceof Error) Object.assign(error, { detail: undefined, where: undefined });
  return error;
}
