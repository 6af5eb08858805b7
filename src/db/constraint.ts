/** The column whose uniqueness a write would have broken, as `table.column`; undefined for any other error. */
export function violatedColumn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /UNIQUE constraint failed: (\w+\.\w+)/.exec(error.message)?.[1];
}
