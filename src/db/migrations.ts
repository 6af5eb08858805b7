import { type Kysely, sql } from 'kysely';

export type DatabaseKind = 'sqlite' | 'postgres';

/**
 * One step forward of the schema. Numbered by its place in the list; never changed once released. Written as for
 * SQLite; `postgres-schema.ts` makes of an `integer` and a `text` what is the same on PostgreSQL.
 */
export interface Migration {
  readonly name: string;
  up(db: Kysely<unknown>, database: DatabaseKind): Promise<void>;
}

/** The database was written by a later version. */
export function newerSchema(applied: number): Error {
  return new Error(
    `its schema is number ${applied}, newer than the ${migrations.length} of this version; run the version that wrote it`,
  );
}

export const migrations: readonly Migration[] = [
  {
    name: 'nodes, ports, conductors, operations, history, inventory, events',
    async up(db) {
      await db.schema
        .createTable('nodes')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('uuid', 'text', (column) => column.notNull().unique())
        .addColumn('name', 'text', (column) => column.unique())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('updated_at', 'text')
        .addColumn('driver', 'text', (column) => column.notNull())
        .addColumn('driver_info', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('driver_internal_info', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('properties', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('extra', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('network_data', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('description', 'text')
        .addColumn('resource_class', 'text')
        .addColumn('traits', 'text', (column) => column.notNull().defaultTo('[]'))
        .addColumn('chassis_uuid', 'text')
        .addColumn('parent_node', 'text')
        .addColumn('owner', 'text')
        .addColumn('lessee', 'text')
        .addColumn('shard', 'text')
        .addColumn('provision_state', 'text', (column) => column.notNull())
        .addColumn('target_provision_state', 'text')
        .addColumn('provision_updated_at', 'text')
        .addColumn('power_state', 'text')
        .addColumn('target_power_state', 'text')
        .addColumn('last_error', 'text')
        .addColumn('fault', 'text')
        .addColumn('health', 'text')
        .addColumn('maintenance', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('maintenance_reason', 'text')
        .addColumn('protected', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('protected_reason', 'text')
        .addColumn('retired', 'integer', (column) => column.defaultTo(0))
        .addColumn('retired_reason', 'text')
        .addColumn('automated_clean', 'integer')
        .addColumn('disable_power_off', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('console_enabled', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('boot_mode', 'text')
        .addColumn('secure_boot', 'integer')
        .addColumn('raid_config', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('target_raid_config', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('instance_uuid', 'text', (column) => column.unique())
        .addColumn('instance_name', 'text')
        .addColumn('instance_info', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('allocation_uuid', 'text')
        .addColumn('clean_step', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('deploy_step', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('service_step', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('inspection_started_at', 'text')
        .addColumn('inspection_finished_at', 'text')
        .addColumn('reservation', 'text')
        .addColumn('reservation_epoch', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('conductor_group', 'text', (column) => column.notNull().defaultTo(''))
        .addColumn('conductor_affinity', 'text')
        .addColumn('bios_interface', 'text')
        .addColumn('boot_interface', 'text')
        .addColumn('console_interface', 'text')
        .addColumn('deploy_interface', 'text')
        .addColumn('firmware_interface', 'text')
        .addColumn('inspect_interface', 'text')
        .addColumn('management_interface', 'text')
        .addColumn('network_interface', 'text')
        .addColumn('power_interface', 'text')
        .addColumn('raid_interface', 'text')
        .addColumn('rescue_interface', 'text')
        .addColumn('storage_interface', 'text')
        .addColumn('vendor_interface', 'text')
        .execute();
      await db.schema.createIndex('nodes_provision_state').on('nodes').column('provision_state').execute();
      await db.schema.createIndex('nodes_reservation').on('nodes').column('reservation').execute();

      await db.schema
        .createTable('ports')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('uuid', 'text', (column) => column.notNull().unique())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('updated_at', 'text')
        .addColumn('address', 'text', (column) => column.notNull().unique())
        .addColumn('node_uuid', 'text', (column) =>
          column.notNull().references('nodes.uuid').onDelete('cascade'),
        )
        .addColumn('portgroup_uuid', 'text')
        .addColumn('name', 'text', (column) => column.unique())
        .addColumn('description', 'text')
        .addColumn('vendor', 'text')
        .addColumn('category', 'text')
        .addColumn('extra', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('internal_info', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('local_link_connection', 'text', (column) => column.notNull().defaultTo('{}'))
        .addColumn('physical_network', 'text')
        .addColumn('pxe_enabled', 'integer', (column) => column.notNull().defaultTo(1))
        .addColumn('is_smartnic', 'integer', (column) => column.defaultTo(0))
        .addColumn('available_for_dynamic_portgroup', 'integer', (column) => column.notNull().defaultTo(1))
        .execute();
      await db.schema.createIndex('ports_node_uuid').on('ports').column('node_uuid').execute();

      await db.schema
        .createTable('operations')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('node_id', 'integer', (column) => column.notNull())
        .addColumn('node_uuid', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('input', 'text', (column) => column.notNull())
        .addColumn('steps', 'text', (column) => column.notNull())
        .addColumn('cursor', 'integer', (column) => column.notNull())
        .addColumn('attempt', 'integer', (column) => column.notNull())
        .addColumn('memo', 'text', (column) => column.notNull())
        .addColumn('wait', 'text')
        .addColumn('abort_requested', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('error', 'text')
        .addColumn('owner', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('updated_at', 'text', (column) => column.notNull())
        .addColumn('finished_at', 'text')
        .execute();
      await db.schema.createIndex('operations_node_uuid').on('operations').column('node_uuid').execute();
      // At most one operation besides a power change is open on a node: the lock ensures it, the index proves it.
      await sql`create unique index operations_open on operations (node_uuid) where finished_at is null and kind <> 'power'`.execute(
        db,
      );

      await db.schema
        .createTable('conductors')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('hostname', 'text', (column) => column.notNull().unique())
        .addColumn('online', 'integer', (column) => column.notNull())
        .addColumn('conductor_group', 'text', (column) => column.notNull().defaultTo(''))
        .addColumn('drivers', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('updated_at', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('conductor_interfaces')
        .addColumn('conductor_id', 'integer', (column) =>
          column.notNull().references('conductors.id').onDelete('cascade'),
        )
        .addColumn('hardware_type', 'text', (column) => column.notNull())
        .addColumn('interface_type', 'text', (column) => column.notNull())
        .addColumn('interface_name', 'text', (column) => column.notNull())
        .addColumn('is_default', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('conductor_interfaces_key', [
          'conductor_id',
          'hardware_type',
          'interface_type',
          'interface_name',
        ])
        .execute();

      await db.schema
        .createTable('node_history')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('uuid', 'text', (column) => column.notNull().unique())
        .addColumn('node_uuid', 'text', (column) =>
          column.notNull().references('nodes.uuid').onDelete('cascade'),
        )
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('conductor', 'text')
        .addColumn('severity', 'text')
        .addColumn('event_type', 'text')
        .addColumn('event', 'text')
        .addColumn('user', 'text')
        .execute();
      await db.schema.createIndex('node_history_node_uuid').on('node_history').column('node_uuid').execute();

      await db.schema
        .createTable('node_inventory')
        .addColumn('node_uuid', 'text', (column) =>
          column.primaryKey().references('nodes.uuid').onDelete('cascade'),
        )
        .addColumn('inventory', 'text', (column) => column.notNull())
        .addColumn('plugin_data', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute();

      await db.schema
        .createTable('events')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('at', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('node_uuid', 'text')
        .addColumn('operation_id', 'text')
        .addColumn('request_id', 'text')
        .addColumn('data', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('events_node_uuid').on('events').columns(['node_uuid', 'id']).execute();
    },
  },
  {
    name: 'chassis',
    async up(db) {
      await db.schema
        .createTable('chassis')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('uuid', 'text', (column) => column.notNull().unique())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('updated_at', 'text')
        .addColumn('description', 'text')
        .addColumn('extra', 'text', (column) => column.notNull().defaultTo('{}'))
        .execute();
      await db.schema.createIndex('nodes_chassis_uuid').on('nodes').column('chassis_uuid').execute();
    },
  },
  {
    name: 'lives of conductors',
    async up(db) {
      await db.schema
        .alterTable('conductors')
        .addColumn('life', 'text', (column) => column.notNull().defaultTo(''))
        .execute();
      await db.schema
        .alterTable('conductors')
        .addColumn('leaving', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema
        .createIndex('nodes_conductor_affinity')
        .on('nodes')
        .column('conductor_affinity')
        .execute();
      await sql`create index operations_unfinished on operations (owner) where finished_at is null`.execute(
        db,
      );
    },
  },
  {
    name: 'events in the order of their commits, gates, writers',
    async up(db, database) {
      // Who wrote an event. Numbers are given in the order of inserts, and of two transactions the later one may commit
      // first: a reader that goes by numbers alone would pass by what commits behind it.
      const run = async (text: string) => await sql.raw(text).execute(db);
      if (database === 'postgres') {
        await run(
          `create function event_tx_base() returns bigint language sql immutable as 'select 0::bigint'`,
        );
        await run(
          `create function event_tx() returns bigint language sql volatile
           as 'select pg_current_xact_id()::text::bigint + event_tx_base()'`,
        );
        await run(
          `create function event_tx_settled() returns bigint language sql stable
           as 'select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + event_tx_base()'`,
        );
        await run('alter table events add column tx bigint not null default event_tx()');
        // Never holds a row: writers that lost against others again and again form a line by locking it.
        await run('create table contention ()');
        await run(
          'create table writers (id text primary key, last_write bigint not null, used_at timestamptz not null default now()) with (fillfactor = 50)',
        );
      } else {
        await run('alter table events add column tx integer not null default 0');
      }
      for (const column of ['owner', 'lessee'])
        await db.schema.alterTable('events').addColumn(column, 'text').execute();
      await db.schema.dropIndex('events_node_uuid').execute();
      await db.schema.createIndex('events_order').on('events').columns(['tx', 'id']).execute();
      await db.schema.createIndex('events_of_node').on('events').columns(['node_uuid', 'tx', 'id']).execute();
      // Those that no other will ever be put before.
      await run(
        `create view settled_events as select * from events${database === 'postgres' ? ' where tx < event_tx_settled()' : ''}`,
      );
      await db.schema
        .createTable('gates')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('passed', 'integer', (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'turns and retries of operations',
    async up(db) {
      await db.schema.alterTable('operations').addColumn('queue', 'text').execute();
      await db.schema.alterTable('operations').addColumn('round', 'integer').execute();
      await db.schema
        .alterTable('operations')
        .addColumn('retries', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema.alterTable('operations').addColumn('fault', 'text').execute();
      await db.schema
        .alterTable('operations')
        .addColumn('once_begun', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      await sql`create index operations_queue on operations (queue, round, created_at, id) where queue is not null`.execute(
        db,
      );
      await db.schema
        .createTable('turns')
        .addColumn('queue', 'text', (column) => column.primaryKey())
        .addColumn('taken', 'integer', (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'what notifications tell of, and how far they were sent',
    async up(db) {
      await db.schema
        .createTable('event_subjects')
        .addColumn('event_id', 'integer', (column) =>
          column.primaryKey().references('events.id').onDelete('cascade'),
        )
        .addColumn('publisher', 'text', (column) => column.notNull())
        .addColumn('data', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('relays')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('cursor', 'text', (column) => column.notNull())
        .addColumn('holder', 'text', (column) => column.notNull())
        .addColumn('held_until', 'text', (column) => column.notNull())
        .execute();
    },
  },
];
