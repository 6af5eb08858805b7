// Machines that draw their power from another: a child node from its parent
// (spec state-machine.json#/power; ironic conductor/utils.py, 2026.2).
import { booleanWord } from '#model/boolean-word.ts';
import type { Task } from '#drivers/task.ts';
import { ChildNodeLocked, NodeLocked, ParentNodeLocked } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { type PowerTarget, powerTargets } from '#model/power-states.ts';

/** How the nodes related to one are reached. */
export interface Relatives {
  children(): Promise<NodeRecord[]>;
  /** Throws NodeNotFound. */
  look(uuid: string): Promise<Task>;
  /** Throws NodeLocked when somebody else holds it, NodeNotFound. */
  hold(uuid: string): Promise<{ task: Task } & AsyncDisposable>;
}

/**
 * Ensures, before a machine changes its power state, that its parent is on where it is to go on, and that its
 * children are off where it is to go off. Throws ParentNodeLocked or ChildNodeLocked. May be repeated.
 */
export async function powerFamilyFirst(
  node: NodeRecord,
  target: PowerTarget,
  relatives: Relatives,
): Promise<void> {
  if (target === 'power on' && node.parent_node !== null && !hasOwnSupply(node)) {
    const parent = node.parent_node;
    const locked = () => new ParentNodeLocked({ node: node.uuid, parent });
    await bringTo(relatives, parent, 'power on', locked);
  }
  if (powerTargets[target].reaches !== 'power off') return;
  for (const child of await relatives.children()) {
    if (hasOwnSupply(child)) continue;
    const locked = () => new ChildNodeLocked({ node: node.uuid, child: child.uuid });
    await bringTo(relatives, child.uuid, 'power off', locked);
  }
}

async function bringTo(
  relatives: Relatives,
  uuid: string,
  target: 'power on' | 'power off',
  locked: () => Error,
): Promise<void> {
  // Looked at first without holding it: a parent that asks a child to go on holds itself.
  const seen = await relatives.look(uuid);
  if ((await seen.driver.power.getPowerState(seen)) === target) return;
  await using held = await relatives.hold(uuid).catch((cause: unknown) => {
    throw cause instanceof NodeLocked ? locked() : cause;
  });
  await held.task.setPower(target);
}

function hasOwnSupply({ driver_info }: NodeRecord): boolean {
  return booleanWord(driver_info['has_dedicated_power_supply']) ?? false;
}
