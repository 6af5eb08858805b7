import { type Clock, wireTime } from '#model/clock.ts';
import { decode } from './columns.ts';
import type { Reader, Transaction } from './store.ts';
import { conductorColumns } from './tables.ts';

export interface ConductorRecord {
  readonly id: number;
  readonly hostname: string;
  /** False once it said goodbye. A conductor that died says true, and its `updated_at` grows old. */
  readonly online: boolean;
  readonly conductor_group: string;
  readonly drivers: readonly string[];
  readonly created_at: string;
  /** Its last heartbeat. */
  readonly updated_at: string;
}

/** One interface that a conductor offers for a hardware type. */
export interface InterfaceRegistration {
  hardware_type: string;
  interface_type: string;
  interface_name: string;
  is_default: boolean;
}

/** Ensures that the conductor is online with exactly these drivers and interfaces. May be repeated. */
export async function registerConductor(
  transaction: Transaction,
  conductor: { hostname: string; conductorGroup: string; interfaces: readonly InterfaceRegistration[] },
  clock: Clock,
): Promise<void> {
  const now = wireTime(clock.now());
  const row = {
    online: 1,
    conductor_group: conductor.conductorGroup,
    drivers: JSON.stringify([...new Set(conductor.interfaces.map((row) => row.hardware_type))].toSorted()),
    updated_at: now,
  };
  const { id } = await transaction
    .insertInto('conductors')
    .values({ ...row, hostname: conductor.hostname, created_at: now })
    .onConflict((conflict) => conflict.column('hostname').doUpdateSet(row))
    .returning('id')
    .executeTakeFirstOrThrow();
  await transaction.deleteFrom('conductor_interfaces').where('conductor_id', '=', id).execute();
  for (const registration of conductor.interfaces) {
    await transaction
      .insertInto('conductor_interfaces')
      .values({ ...registration, conductor_id: id, is_default: Number(registration.is_default) })
      .execute();
  }
}

/** Ensures that the conductor's sign of life, or its goodbye, is stored. */
export async function touchConductor(
  transaction: Transaction,
  hostname: string,
  options: { online: boolean },
  clock: Clock,
): Promise<void> {
  await transaction
    .updateTable('conductors')
    .set({ updated_at: wireTime(clock.now()), online: Number(options.online) })
    .where('hostname', '=', hostname)
    .execute();
}

/** All conductors ever registered, by host name. */
export async function readConductors(reader: Reader): Promise<ConductorRecord[]> {
  const rows = await reader.selectFrom('conductors').selectAll().orderBy('id').execute();
  return rows.map((row) => decode<ConductorRecord, typeof conductorColumns>(conductorColumns, row));
}

/** What the conductors offer, with the host name of each. */
export async function readRegistrations(
  reader: Reader,
): Promise<(InterfaceRegistration & { hostname: string })[]> {
  const rows = await reader
    .selectFrom('conductor_interfaces')
    .innerJoin('conductors', 'conductors.id', 'conductor_interfaces.conductor_id')
    .select(['hostname', 'hardware_type', 'interface_type', 'interface_name', 'is_default'])
    .execute();
  return rows.map((row) => ({ ...row, is_default: row.is_default === 1 }));
}

/** Whether a conductor counts as alive: online, with a heartbeat not older than `timeoutSeconds`. */
export function isAlive(conductor: ConductorRecord, timeoutSeconds: number, clock: Clock): boolean {
  return conductor.online && Date.parse(conductor.updated_at) >= clock.now() - timeoutSeconds * 1000;
}
