// Faults read back from the other side of a process border.
import { Fault, type FaultFields, type FaultOptions, type FaultWire } from './fault.ts';
import * as catalogue from './faults.ts';

/** A class of the catalogue, as `fromWire` needs it: each takes the fields it was sent with. */
interface FaultClass {
  readonly faultName: string;
  readonly status: number;
  new (fields: never, options?: FaultOptions): Fault;
}

/** Every class of the catalogue, by published name. */
export const faultClasses: ReadonlyMap<string, FaultClass> = new Map(
  Object.values(catalogue).map((each): [string, FaultClass] => [each.faultName, each]),
);

/**
 * The fault that `toWire` was called on: an instance of its class, with its fields and status.
 * A name this process does not know (a newer conductor's) becomes a plain `Fault` that answers the same.
 */
export function faultFromWire(wire: FaultWire): Fault {
  const known = faultClasses.get(wire.name);
  const { status } = wire;
  const unknown = (): Fault => new Fault<FaultFields>(wire.name, status, wire.message, wire.fields);
  if (!known) return unknown();
  try {
    // The fields come from the same class's toWire on the other side, so they are what its constructor takes.
    return new known(wire.fields as never, { status });
  } catch {
    // Another version's, with other fields.
    return unknown();
  }
}
