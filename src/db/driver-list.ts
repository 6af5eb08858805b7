// The hardware types that live conductors offer, for answers.
import { type Clock } from '#model/clock.ts';
import type { InterfaceType } from '#model/power-states.ts';
import { isAlive, readConductors, readRegistrations } from './conductors.ts';
import type { Reader } from './store.ts';

/** A hardware type, as all live conductors together offer it. */
export interface OfferedDriver {
  readonly name: string;
  /** The live conductors that have it. */
  readonly hosts: readonly string[];
  readonly interfaces: ReadonlyMap<string, OfferedInterfaces>;
}

export interface OfferedInterfaces {
  readonly enabled: readonly string[];
  /** What a node gets that names none; null where none is enabled. */
  readonly byDefault: string | null;
}

/** Every hardware type of the conductors with a heartbeat within the timeout, by name. */
export async function listDrivers(
  reader: Reader,
  heartbeatTimeoutSeconds: number,
  clock: Clock,
): Promise<OfferedDriver[]> {
  const conductors = await readConductors(reader);
  const alive = conductors.filter((each) => isAlive(each, heartbeatTimeoutSeconds, clock));
  const hostsOf = new Map<string, string[]>();
  for (const { hostname, drivers } of alive)
    for (const name of drivers) hostsOf.set(name, [...(hostsOf.get(name) ?? []), hostname]);
  const registrations = await readRegistrations(reader);
  return [...hostsOf.keys()].toSorted().map((name) => {
    const hosts = hostsOf.get(name) ?? [];
    const offered = registrations.filter((row) => row.hardware_type === name && hosts.includes(row.hostname));
    return { name, hosts, interfaces: groupByType(offered) };
  });
}

type Registration = Awaited<ReturnType<typeof readRegistrations>>[number];

function groupByType(registrations: readonly Registration[]): Map<string, OfferedInterfaces> {
  const grouped = new Map<string, { enabled: string[]; byDefault: string | null }>();
  for (const { interface_type: type, interface_name: name, is_default: isDefault } of registrations) {
    const group = grouped.get(type) ?? { enabled: [], byDefault: null };
    if (!group.enabled.includes(name)) group.enabled.push(name);
    if (isDefault) group.byDefault ??= name;
    grouped.set(type, group);
  }
  return grouped;
}

/** What a type of interface has on offer; nothing where no conductor registered any. */
export function offeredInterfaces(driver: OfferedDriver, type: InterfaceType): OfferedInterfaces {
  return driver.interfaces.get(type) ?? { enabled: [], byDefault: null };
}
