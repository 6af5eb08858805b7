// Which hardware types and interfaces this conductor offers: what is installed, narrowed by what is enabled.
import { ConfigError } from '#config/config-error.ts';
import type { Settings } from '#config/settings.ts';
import type { InterfaceRegistration } from '#db/conductors.ts';
import { DriverNotFound, UnsupportedDriverExtension } from '#model/faults.ts';
import { type InterfaceType, interfaceTypes } from '#model/power-states.ts';
import type { DriverPackage, HardwareType, InterfaceContracts } from './define.ts';
import { installDrivers, type Installed } from './installed.ts';

/** What a hardware type can be composed of here, by interface type. */
export type OfferedInterfaces = { readonly [T in InterfaceType]: OfferedInterface };

export interface OfferedInterface {
  /** What a node uses that names none. */
  readonly default: string;
  /** What is enabled and supported, the hardware type's preference first. */
  readonly enabled: readonly string[];
}

/** What GET /v1/drivers/{name} shows of a hardware type's interfaces. */
export type DriverDetails = {
  readonly [T in InterfaceType as `default_${T}_interface`]: string;
} & {
  readonly [T in InterfaceType as `enabled_${T}_interfaces`]: readonly string[];
};

/** The enabled implementations of every interface type, by name. */
export type EnabledImplementations = {
  readonly [T in InterfaceType]: ReadonlyMap<string, InterfaceContracts[T]>;
};

export interface DriverRegistry {
  /** The names of the hardware types, sorted. */
  readonly hardwareTypes: readonly string[];
  readonly implementations: EnabledImplementations;
  /** What the configuration names and this installation does not have; a sentence each, to be told once. */
  readonly warnings: readonly string[];
  /** Throws DriverNotFound, as all that take a name. */
  hardwareType(name: string): HardwareType;
  offered(name: string): OfferedInterfaces;
  details(name: string): DriverDetails;
  /** The `driver_info` members of the default interfaces, each with its meaning. */
  properties(name: string): Record<string, string>;
  /** What a RAID configuration may say of a logical disk. Throws UnsupportedDriverExtension where there is no RAID. */
  logicalDiskProperties(name: string): Readonly<Record<string, string>>;
  /** What a conductor registers in the store. */
  registrations(): InterfaceRegistration[];
}

/**
 * Ensures that every hardware type it gives has an enabled implementation and a default of each interface type.
 * Throws ConfigError when the configuration enables nothing, or a default that does not fit; what it names and
 * this installation lacks becomes a warning, and is gone without.
 */
export function createDriverRegistry(
  settings: Pick<Settings, 'DEFAULT'>,
  packages: readonly DriverPackage[],
): DriverRegistry {
  const installed = installDrivers(packages);
  const warnings: string[] = [];
  const enabledTypes = enableHardwareTypes(settings, installed, warnings);
  const enabled = enableInterfaces(settings, installed, enabledTypes, warnings);
  const offers = new Map<string, OfferedInterfaces>();
  for (const type of enabledTypes) {
    const offered = offerInterfaces(settings, type, enabled, warnings);
    if (offered) offers.set(type.name, offered);
  }
  if (offers.size === 0) throw noHardwareType('leaves no hardware type that can be used', warnings);
  return registryOf(
    new Map(enabledTypes.filter(({ name }) => offers.has(name)).map((type) => [type.name, type])),
    offers,
    implementationsOf(installed, enabled),
    warnings,
  );
}

/** One interface type's enabled names: those that are installed, and those that are not. */
interface Enabled {
  readonly present: ReadonlySet<string>;
  readonly missing: ReadonlySet<string>;
}
type EnabledNames = Record<InterfaceType, Enabled>;

function enableHardwareTypes(
  { DEFAULT }: Pick<Settings, 'DEFAULT'>,
  installed: Installed,
  warnings: string[],
): HardwareType[] {
  const names = [...new Set(DEFAULT.enabled_hardware_types)];
  if (names.length === 0) throw noHardwareType('enables no hardware type', []);
  const missing = names.filter((name) => !installed.hardwareTypes.has(name));
  if (missing.length > 0) warnings.push(notInstalled('enabled_hardware_types', missing));
  return names.flatMap((name) => installed.hardwareTypes.get(name) ?? []);
}

function enableInterfaces(
  settings: Pick<Settings, 'DEFAULT'>,
  installed: Installed,
  types: readonly HardwareType[],
  warnings: string[],
): EnabledNames {
  return forEachType((type) => {
    const option = `enabled_${type}_interfaces` as const;
    const isInstalled = (name: string) => installed.implementations[type].has(name);
    // Nothing said: the best of each hardware type (ironic common/driver_factory.py InterfaceFactory, 2026.2).
    const listed = settings.DEFAULT[option];
    const names =
      listed.length > 0 ? listed : types.flatMap((one) => one.supported[type].find(isInstalled) ?? []);
    const present = new Set(names.filter(isInstalled));
    const missing = new Set(names).difference(present);
    if (missing.size > 0) warnings.push(notInstalled(option, [...missing]));
    return { present, missing };
  });
}

/** Undefined, with a warning, when what a hardware type lacks is enabled but not installed. */
function offerInterfaces(
  settings: Pick<Settings, 'DEFAULT'>,
  hardwareType: HardwareType,
  enabledNames: EnabledNames,
  warnings: string[],
): OfferedInterfaces | undefined {
  const lacking: string[] = [];
  const offered = forEachType((type) => {
    const { present, missing } = enabledNames[type];
    const enabled = hardwareType.supported[type].filter((name) => present.has(name));
    const configured = configuredDefault(settings, hardwareType, type, enabledNames[type]);
    const chosen = configured ?? enabled[0];
    if (chosen !== undefined) return { default: chosen, enabled };
    if (!hardwareType.supported[type].some((name) => missing.has(name)))
      throw new ConfigError({
        group: 'DEFAULT',
        option: `enabled_${type}_interfaces`,
        problem:
          `enables no ${type} interface for the hardware type ${hardwareType.name}, ` +
          `which supports ${hardwareType.supported[type].join(', ')}.`,
      });
    lacking.push(type);
    return { default: '', enabled };
  });
  if (lacking.length === 0) return offered;
  warnings.push(
    `The hardware type ${hardwareType.name} is left out: of its ${lacking.join(' and ')} interfaces ` +
      `this installation has none that is enabled.`,
  );
  return undefined;
}

/**
 * The default that the configuration names for an interface type. One that is not installed was warned of with
 * the enabled ones, or never enabled; one that does not fit stops the start, as in Ironic (common/driver_factory.py
 * default_interface).
 */
function configuredDefault(
  { DEFAULT }: Pick<Settings, 'DEFAULT'>,
  hardwareType: HardwareType,
  type: InterfaceType,
  { present, missing }: Enabled,
): string | undefined {
  const option = `default_${type}_interface` as const;
  const name = DEFAULT[option];
  if (name === null || name === '' || missing.has(name)) return undefined;
  if (!present.has(name))
    throw new ConfigError({
      group: 'DEFAULT',
      option,
      problem: `is '${name}', which [DEFAULT] enabled_${type}_interfaces does not enable.`,
    });
  if (supports(hardwareType, type, name)) return name;
  throw new ConfigError({
    group: 'DEFAULT',
    option,
    problem:
      `is '${name}', which the enabled hardware type ${hardwareType.name} does not support; ` +
      `it supports ${hardwareType.supported[type].join(', ')}.`,
  });
}

/** Whether a node of the hardware type may use the interface. */
export function supports(hardwareType: HardwareType, type: InterfaceType, name: string): boolean {
  return hardwareType.takesAnyInterface === true || hardwareType.supported[type].includes(name);
}

function registryOf(
  types: ReadonlyMap<string, HardwareType>,
  offers: ReadonlyMap<string, OfferedInterfaces>,
  implementations: EnabledImplementations,
  warnings: readonly string[],
): DriverRegistry {
  const offered = (name: string) => orNotFound(offers.get(name), name);
  return {
    hardwareTypes: [...offers.keys()].toSorted(),
    implementations,
    warnings,
    hardwareType: (name) => orNotFound(types.get(name), name),
    offered,
    details: (name) => detailsOf(offered(name)),
    properties(name) {
      const interfaces = offered(name);
      const each = interfaceTypes.map(
        (type) => implementations[type].get(interfaces[type].default)?.properties,
      );
      return Object.assign({}, ...each) as Record<string, string>; // merged from records of the same type
    },
    logicalDiskProperties(name) {
      const properties = implementations.raid.get(offered(name).raid.default)?.logicalDiskProperties;
      if (!properties) throw new UnsupportedDriverExtension({ driver: name, extension: 'raid' });
      return properties;
    },
    registrations: () => [...offers].flatMap(([name, interfaces]) => registrationsOf(name, interfaces)),
  };
}

function registrationsOf(hardwareType: string, interfaces: OfferedInterfaces): InterfaceRegistration[] {
  return interfaceTypes.flatMap((type) => {
    const { default: byDefault, enabled } = interfaces[type];
    return [...new Set([...enabled, byDefault])].map((name) => ({
      hardware_type: hardwareType,
      interface_type: type,
      interface_name: name,
      is_default: name === byDefault,
    }));
  });
}

function detailsOf(interfaces: OfferedInterfaces): DriverDetails {
  const members = interfaceTypes.flatMap((type) => [
    [`default_${type}_interface`, interfaces[type].default],
    [`enabled_${type}_interfaces`, interfaces[type].enabled],
  ]);
  return Object.fromEntries(members) as DriverDetails; // a pair of members per type, as DriverDetails maps them
}

function implementationsOf(installed: Installed, enabled: EnabledNames): EnabledImplementations {
  const narrowed = interfaceTypes.map((type) => [
    type,
    new Map([...installed.implementations[type]].filter(([name]) => enabled[type].present.has(name))),
  ]);
  return Object.fromEntries(narrowed) as EnabledImplementations; // each a part of the installed map of its type
}

function forEachType<R>(make: (type: InterfaceType) => R): Record<InterfaceType, R> {
  // Object.fromEntries forgets which keys it was given.
  return Object.fromEntries(interfaceTypes.map((type) => [type, make(type)])) as Record<InterfaceType, R>;
}

function orNotFound<V>(found: V | undefined, name: string): V {
  if (found === undefined) throw new DriverNotFound({ driver_name: name });
  return found;
}

function noHardwareType(problem: string, warnings: readonly string[]): ConfigError {
  return new ConfigError({
    group: 'DEFAULT',
    option: 'enabled_hardware_types',
    problem: [`${problem}, so there is nothing to serve.`, ...warnings].join(' '),
  });
}

function notInstalled(option: string, names: readonly string[]): string {
  return `[DEFAULT] ${option} names ${names.join(', ')}: not part of this installation, left out.`;
}
