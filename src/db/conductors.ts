import { type Clock, wireTime } from '#model/clock.ts';
import { decode } from './columns.ts';
import type { Reader, Transaction } from './store.ts';
import { conductorColumns } from './tables.ts';

export interface ConductorRecord {
  readonly id: number;
  readonly hostname: string;
  /** Of the process that has the name: another one for each start. */
  readonly life: string;
  /** False once it said goodbye. A conductor that died says true, and its `updated_at` grows old. */
  readonly online: boolean;
  /** It brings what it is at to the next committed step and takes nothing new: nodes are no longer its own. */
  readonly leaving: boolean;
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

/** Ensures that this life has the name, and is online with exactly these drivers and interfaces. May be repeated. */
export async function registerConductor(
  transaction: Transaction,
  conductor: {
    hostname: string;
    life: string;
    conductorGroup: string;
    interfaces: readonly InterfaceRegistration[];
  },
  clock: Clock,
): Promise<void> {
  const now = wireTime(clock.now());
  const row = {
    life: conductor.life,
    online: 1,
    leaving: 0,
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
  if (conductor.interfaces.length === 0) return;
  await transaction
    .insertInto('conductor_interfaces')
    .values(
      conductor.interfaces.map((registration) => ({
        ...registration,
        conductor_id: id,
        is_default: Number(registration.is_default),
      })),
    )
    .execute();
}

/**
 * Ensures that a sign of life is stored, and that the conductor is leaving or gone where that is said. False, with
 * nothing stored, when another life has the name now.
 */
export async function touchConductor(
  transaction: Transaction,
  { hostname, life }: Pick<ConductorRecord, 'hostname' | 'life'>,
  state: { leaving?: true; online?: false },
  clock: Clock,
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('conductors')
    .set({
      updated_at: wireTime(clock.now()),
      ...(state.leaving ? { leaving: 1 } : {}),
      ...(state.online === false ? { online: 0 } : {}),
    })
    .where('hostname', '=', hostname)
    .where('life', '=', life)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ensures that none but this one counts as there: for a store that no other process can be at work on. */
export async function dismissOthers(transaction: Transaction, hostname: string): Promise<void> {
  await transaction.updateTable('conductors').set({ online: 0 }).where('hostname', '!=', hostname).execute();
}

/** Takes away the records of conductors not heard of since `before`, at most `limit`; says of which. */
export async function deleteStaleConductors(
  transaction: Transaction,
  before: string,
  limit: number,
): Promise<string[]> {
  const stale = await transaction
    .selectFrom('conductors')
    .select(['id', 'hostname'])
    .where('updated_at', '<', before)
    .orderBy('updated_at')
    .limit(limit)
    .execute();
  if (stale.length === 0) return [];
  const ids = stale.map(({ id }) => id);
  const hostnames = stale.map(({ hostname }) => hostname);
  await transaction
    .updateTable('nodes')
    .set({ conductor_affinity: null })
    .where('conductor_affinity', 'in', hostnames)
    .execute();
  await transaction.deleteFrom('conductors').where('id', 'in', ids).execute();
  return hostnames;
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

/** Whether a conductor counts as alive: online and to stay, with a heartbeat not older than `timeoutSeconds`. */
export function isAlive(conductor: ConductorRecord, timeoutSeconds: number, clock: Clock): boolean {
  return conductor.online && !conductor.leaving && !isSilent(conductor, timeoutSeconds, clock);
}

/** Whether its last heartbeat is older than `timeoutSeconds`. */
export function isSilent(conductor: ConductorRecord, timeoutSeconds: number, clock: Clock): boolean {
  return Date.parse(conductor.updated_at) < clock.now() - timeoutSeconds * 1000;
}
