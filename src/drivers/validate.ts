// Whether a node carries what its interfaces need: GET /v1/nodes/{node}/validate.
import { Fault } from '#model/fault.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { type InterfaceType, interfaceTypes } from '#model/power-states.ts';
import type { Driver } from './define.ts';
import type { Task } from './task.ts';

export interface InterfaceVerdict {
  readonly result: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** The vendor interface is asked per method, so it has no verdict (ironic conductor/manager.py, 2026.2). */
export type ValidatedType = Exclude<InterfaceType, 'vendor'>;

export const validatedTypes = interfaceTypes.filter((type): type is ValidatedType => type !== 'vendor');

/**
 * Asks every interface of the node. Never throws: an interface that breaks has not said yes, and the log says why.
 * Does not touch the machine; may be repeated.
 */
export async function validateInterfaces(
  driver: Driver,
  task: Task,
): Promise<Record<ValidatedType, InterfaceVerdict>> {
  const verdicts = await Promise.all(
    validatedTypes.map(async (type) => [type, await validateInterface(driver, type, task)] as const),
  );
  // Object.fromEntries forgets which keys it was given.
  return Object.fromEntries(verdicts) as Record<ValidatedType, InterfaceVerdict>;
}

async function validateInterface(driver: Driver, type: ValidatedType, task: Task): Promise<InterfaceVerdict> {
  try {
    await driver[type].validate(task);
    if (type === 'deploy') checkInstanceTraits(task.node);
    return { result: true };
  } catch (error) {
    if (error instanceof Fault && error.status < 500) return { result: false, reason: error.message };
    task.log.error({ interface: type, err: error }, 'an interface failed to validate');
    return {
      result: false,
      reason: `The ${type} interface could not be asked; the log of the conductor says why.`,
    };
  }
}

/**
 * Ensures that the traits an instance asks for are the node's. Throws InvalidParameterValue
 * (ironic conductor/utils.py validate_instance_info_traits, 2026.2).
 */
export function checkInstanceTraits(node: Pick<NodeRecord, 'uuid' | 'traits' | 'instance_info'>): void {
  const asked = node.instance_info['traits'] ?? [];
  if (!Array.isArray(asked) || !asked.every((trait) => typeof trait === 'string'))
    throw new InvalidParameterValue(`instance_info/traits of node ${node.uuid} is not a list of names.`);
  const foreign = asked.filter((trait) => !node.traits.includes(trait));
  if (foreign.length > 0)
    throw new InvalidParameterValue(
      `instance_info/traits of node ${node.uuid} names ${foreign.join(', ')}, which the node does not have.`,
    );
}
