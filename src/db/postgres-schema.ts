// The schema on PostgreSQL: the same migrations, by whichever process comes first.
import {
  type ColumnDefinitionNode,
  CreateTableNode,
  AlterTableNode,
  DataTypeNode,
  GeneratedNode,
  type KyselyPlugin,
  Kysely,
  RawNode,
  type RootOperationNode,
} from 'kysely';
import { migrations, newerSchema } from './migrations.ts';
import { type PostgresConnection, postgresDialect } from './postgres-connection.ts';

/** Any number, the same for all processes. */
const schemaLock = 736_468_920_115;

/**
 * Ensures that all migrations are applied, each once, however many processes start at the same time: all or nothing, in
 * one transaction that the others wait for.
 */
export async function migrate(connection: PostgresConnection): Promise<void> {
  const db = new Kysely<unknown>({
    dialect: postgresDialect({ acquire: async () => connection, release: () => {} }),
    plugins: [asOnSqlite],
  });
  const run = async (text: string) => await connection.send<{ version: number }>({ text });
  await run('begin isolation level read committed');
  try {
    await run(`select pg_advisory_xact_lock(${schemaLock})`);
    await run('create table if not exists schema_version (version integer not null)');
    const { rows } = await run('select version from schema_version');
    const applied = rows[0]?.version ?? 0;
    if (applied > migrations.length) throw newerSchema(applied);
    for (const migration of migrations.slice(applied)) await migration.up(db, 'postgres');
    await run('delete from schema_version');
    await run(`insert into schema_version values (${migrations.length})`);
    await run(continueEventOrder);
    await run(`delete from writers where used_at < now() - interval '1 day'`);
    await run('commit');
  } catch (error) {
    await run('rollback').catch(() => {});
    throw error;
  }
}

/**
 * Transaction numbers begin anew where a dump is restored on another server; events go on above those that are there,
 * so that no cursor ever stands before what it has seen.
 */
const continueEventOrder = `do $$
declare newest bigint := (select coalesce(max(tx), 0) from events);
begin
  if newest >= event_tx() then
    execute format(
      'create or replace function event_tx_base() returns bigint language sql immutable as %L',
      'select ' || (newest + 1 - pg_current_xact_id()::text::bigint) || '::bigint');
  end if;
end $$`;

/**
 * Tables mean on PostgreSQL what they mean on SQLite: integers of 64 bits, numbers that count up by themselves, and
 * text that is compared by its code points whatever the database's own collation, so that pages come in the same order.
 */
const asOnSqlite: KyselyPlugin = {
  transformQuery: ({ node }) => withColumns(node),
  transformResult: async ({ result }) => result,
};

function withColumns(node: RootOperationNode): RootOperationNode {
  if (CreateTableNode.is(node)) return { ...node, columns: node.columns.map(columnOf) };
  if (!AlterTableNode.is(node) || !node.columnAlterations) return node;
  const columnAlterations = node.columnAlterations.map((alteration) =>
    alteration.kind === 'AddColumnNode' ? { ...alteration, column: columnOf(alteration.column) } : alteration,
  );
  return { ...node, columnAlterations };
}

function columnOf({ autoIncrement, ...column }: ColumnDefinitionNode): ColumnDefinitionNode {
  if (!DataTypeNode.is(column.dataType)) return column;
  switch (column.dataType.dataType) {
    case 'integer':
      return {
        ...column,
        dataType: DataTypeNode.create('bigint'),
        ...(autoIncrement ? { generated: GeneratedNode.create({ identity: true, byDefault: true }) } : {}),
      };
    case 'text':
      return { ...column, dataType: RawNode.createWithSql('text collate "C"') };
    default:
      return column;
  }
}
