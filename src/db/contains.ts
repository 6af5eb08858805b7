import { type RawBuilder, sql, type SqlBool } from 'kysely';

/** True where the column holds the text anywhere; upper and lower case are alike for the letters of ASCII. */
export function contains(column: string, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return sql`lower(${sql.ref(column)}) like lower(${pattern}) escape '\\'`;
}
