import type { NodeChanges, Task } from '#drivers/task.ts';

/**
 * What the BMC says of the machine besides its power: boot mode, secure boot, and its vendor where none is known
 * (ironic conductor/utils.py node_cache_vendor and node_cache_boot_mode, 2026.2). What it does not say is left out.
 */
export async function bmcFacts(task: Task): Promise<NodeChanges> {
  const { management } = task.driver;
  const { properties } = task.node;
  const told = async <T>(ask: () => Promise<T> | undefined): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      task.signal.throwIfAborted();
      task.log.debug({ node: task.node.uuid, err: error }, 'the BMC does not say all of the machine');
      return undefined;
    }
  };
  const boot_mode = await told(() => management.getBootMode?.(task));
  const secure_boot = await told(() => management.getSecureBoot?.(task));
  const vendor = 'vendor' in properties ? null : await told(() => management.detectVendor?.(task));
  return {
    ...(boot_mode === undefined ? {} : { boot_mode }),
    ...(secure_boot === undefined ? {} : { secure_boot }),
    ...(vendor ? { properties: { ...properties, vendor } } : {}),
  };
}
