import type { Task } from '#drivers/task.ts';
import { MissingParameterValue } from '#model/faults.ts';
import { type Flow, flowStep } from './flow.ts';

/**
 * Ensures: a machine that runs an instance already is known as `active`, with the power state it has, and what serves
 * it is there. When: `adopt`. Not its business: the machine, to which nothing is done (ironic conductor/manager.py
 * _do_adoption, 2026.2).
 */
export const adopt: Flow = {
  kind: 'adopt',
  stepFlow: null,
  stepField: null,
  plan: () => [flowStep('take_over')],
  own: {
    async take_over(task) {
      await checkAdoptable(task);
      await task.driver.deploy.takeOver?.(task);
      return { kind: 'done', changes: { power_state: await task.driver.power.getPowerState(task) } };
    },
  },
  finish: () => ({ raise: ['done'], columns: { last_error: null } }),
  fail: ({ error }) => ({
    raise: ['fail'],
    // What it was is not to be relied on, nor enforced.
    columns: { last_error: error, power_state: null },
    history: { severity: 'ERROR', type: 'adoption', event: error },
  }),
};

/** A machine that boots its own disk needs nothing of ours; one that is served each boot needs what it boots. */
async function checkAdoptable(task: Task): Promise<void> {
  const { power, boot } = task.driver;
  await power.validate(task);
  if (bootsFromDisk(task)) return;
  const { uuid, instance_info: instance } = task.node;
  if (!['image_source', 'kernel', 'boot_iso'].some((name) => typeof instance[name] === 'string'))
    throw new MissingParameterValue(
      `Node ${uuid} does not boot its own disk, and its instance_info has no image_source to serve it`,
    );
  await boot.validate(task);
}

function bootsFromDisk({ node }: Task): boolean {
  if (node.deploy_interface === 'ramdisk') return false;
  const option = capability(node.instance_info['capabilities'], 'boot_option');
  return option === undefined || option === 'local';
}

/** Of the capabilities that an instance asks for, in either form they are written. */
function capability(asked: unknown, name: string): unknown {
  if (typeof asked === 'object' && asked !== null)
    return Object.entries(asked).find(([key]) => key === name)?.[1];
  const pairs = typeof asked === 'string' ? asked.split(',').map((pair) => pair.trim()) : [];
  return pairs.find((pair) => pair.startsWith(`${name}:`))?.slice(name.length + 1);
}
