// From the names on a node to the implementations that serve it.
import { IncompatibleInterface, InterfaceNotFoundInEntrypoint } from '#model/faults.ts';
import type { NodeInterfaces, NodePatch, NodeRecord } from '#model/node-record.ts';
import { type InterfaceField, type InterfaceType, interfaceTypes } from '#model/power-states.ts';
import type { Driver, InterfaceContracts } from './define.ts';
import { type DriverRegistry, supports } from './registry.ts';

/** A node's interfaces, none left open. */
export type ResolvedInterfaces = Record<InterfaceField, string>;

/** What of a node decides about its driver. */
export type ComposedOf = Pick<NodeRecord, 'driver' | 'instance_info' | InterfaceField>;

/**
 * The implementations that the node names; where it names none, the default. Names in `instance_info` go before the
 * node's own for as long as the instance is there (ironic objects/node.py get_interface, 2026.2).
 * Throws DriverNotFound, InterfaceNotFoundInEntrypoint or IncompatibleInterface.
 */
export function composeDriver(registry: DriverRegistry, node: ComposedOf): Driver {
  const offered = registry.offered(node.driver);
  const parts = interfaceTypes.map((type) => {
    const name = ofInstance(node, type) ?? node[`${type}_interface`] ?? offered[type].default;
    return [type, implementation(registry, node.driver, type, name)];
  });
  return Object.fromEntries(parts) as Driver; // a part per type, found in the map of that type
}

function ofInstance(node: ComposedOf, type: InterfaceType): string | undefined {
  const name = node.instance_info[`${type}_interface`];
  return typeof name === 'string' ? name : undefined;
}

/**
 * The interfaces of a new node: what was given, and the defaults for the rest.
 * Throws DriverNotFound, or InterfaceNotFoundInEntrypoint or IncompatibleInterface for what was given.
 */
export function defaultInterfaces(
  registry: DriverRegistry,
  driver: string,
  given: Partial<NodeInterfaces>,
): ResolvedInterfaces {
  const offered = registry.offered(driver);
  const names = interfaceTypes.map((type) => {
    const field = `${type}_interface` as const;
    const name = given[field] ?? offered[type].default;
    implementation(registry, driver, type, name);
    return [field, name];
  });
  return Object.fromEntries(names) as ResolvedInterfaces; // a member per type
}

/**
 * The interfaces a node has after a patch: the patch's own, the node's, and defaults for what the patch takes away;
 * with `reset`, defaults for all that the patch does not name. For a patch of the driver or an interface.
 * Throws as `defaultInterfaces`, also for what the node keeps and its new driver does not take.
 */
export function interfacesAfterPatch(
  registry: DriverRegistry,
  node: Pick<NodeRecord, 'driver' | InterfaceField>,
  patch: NodePatch,
  { reset }: { reset: boolean },
): ResolvedInterfaces {
  const kept = reset ? {} : interfacesOf(node);
  return defaultInterfaces(registry, patch.driver ?? node.driver, { ...kept, ...interfacesOf(patch) });
}

function interfacesOf(source: Partial<NodeInterfaces>): Partial<NodeInterfaces> {
  const fields = interfaceTypes.map((type) => `${type}_interface` as const);
  return Object.fromEntries(
    fields.filter((field) => source[field] !== undefined).map((field) => [field, source[field]]),
  );
}

function implementation<T extends InterfaceType>(
  registry: DriverRegistry,
  driver: string,
  type: T,
  name: string,
): InterfaceContracts[T] {
  const found = registry.implementations[type].get(name);
  if (!found)
    throw new InterfaceNotFoundInEntrypoint({
      entrypoint: `ironic.hardware.interfaces.${type}`,
      iface: name,
      valid: [...registry.implementations[type].keys()].toSorted(),
    });
  if (!supports(registry.hardwareType(driver), type, name))
    throw new IncompatibleInterface({ interface_type: type, interface_impl: name, hardware_type: driver });
  return found;
}
