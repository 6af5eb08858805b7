import { sqlState } from './postgres-errors.ts';

const uniqueViolation = '23505';

/** The column whose uniqueness a write would have broken, as `table.column`; undefined for any other error. */
export function violatedColumn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (sqlState(error) === uniqueViolation) return columnOfConstraint(error);
  return /UNIQUE constraint failed: (\w+\.\w+)/.exec(error.message)?.[1];
}

/** PostgreSQL names the constraint that a `unique()` column made `<table>_<column>_key`. */
function columnOfConstraint(error: object): string | undefined {
  if (!('table' in error && 'constraint' in error)) return undefined;
  const { table, constraint } = error;
  if (typeof table !== 'string' || typeof constraint !== 'string') return undefined;
  const isKey = constraint.startsWith(`${table}_`) && constraint.endsWith('_key');
  return isKey ? `${table}.${constraint.slice(table.length + 1, -'_key'.length)}` : undefined;
}
