// Everything the driver packages of this installation bring, enabled or not.
import { type InterfaceType, interfaceTypes } from '#model/power-states.ts';
import type { DriverPackage, HardwareType, InterfaceContracts } from './define.ts';

export interface Installed {
  readonly hardwareTypes: ReadonlyMap<string, HardwareType>;
  readonly implementations: { readonly [T in InterfaceType]: ReadonlyMap<string, InterfaceContracts[T]> };
}

/** Two packages bring something of the same name, so the name in a configuration would say neither. */
export class DuplicateDriver extends Error {
  override readonly name = 'DuplicateDriver';

  constructor(what: string) {
    super(`Two driver packages bring ${what}; only one may.`);
  }
}

/** Gathers the packages. Throws DuplicateDriver. */
export function installDrivers(packages: readonly DriverPackage[]): Installed {
  const hardwareTypes = new Map<string, HardwareType>();
  for (const type of packages.flatMap((one) => one.hardwareTypes)) {
    if (hardwareTypes.has(type.name)) throw new DuplicateDriver(`the hardware type ${type.name}`);
    hardwareTypes.set(type.name, type);
  }
  const implementations = Object.fromEntries(interfaceTypes.map((type) => [type, gather(packages, type)]));
  // Object.fromEntries forgets which keys it was given, and with them the contract of each.
  return { hardwareTypes, implementations: implementations as Installed['implementations'] };
}

function gather<T extends InterfaceType>(
  packages: readonly DriverPackage[],
  type: T,
): ReadonlyMap<string, InterfaceContracts[T]> {
  const found = new Map<string, InterfaceContracts[T]>();
  for (const { implementations } of packages) {
    const ofType: Readonly<Record<string, InterfaceContracts[T]>> = implementations[type] ?? {};
    for (const [name, implementation] of Object.entries(ofType)) {
      if (found.has(name)) throw new DuplicateDriver(`the ${type} interface ${name}`);
      found.set(name, implementation);
    }
  }
  return found;
}
