import { readFreeNodes } from '#db/free-nodes.ts';
import type { DriverPeriodicTask } from '#drivers/define.ts';
import type { ConductorParts } from '../parts.ts';
import { readingTask } from '../task.ts';
import { forEachOwn, type PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: each periodic task of a driver runs for the nodes it concerns. When: every `spacingSeconds` of the task.
 * Not its business: nodes in somebody's hands, and those of other conductors.
 */
export function driverTasks(parts: Pick<ConductorParts, 'registry'>): PeriodicTask[] {
  return parts.registry.hardwareTypes.flatMap((name) => {
    const type = parts.registry.hardwareType(name);
    return (type.periodicTasks ?? []).map((task) => driverTask(name, task));
  });
}

function driverTask(hardwareType: string, task: DriverPeriodicTask): PeriodicTask {
  return {
    name: `${hardwareType}:${task.name}`,
    spacingSeconds: (settings) =>
      typeof task.spacingSeconds === 'number' ? task.spacingSeconds : task.spacingSeconds(settings),
    async run({ parts, signal }) {
      const nodes = await readFreeNodes(parts.store.read, { driver: hardwareType });
      await forEachOwn(parts, nodes, parts.settings.conductor.periodic_max_workers, async (node) => {
        const one = await readingTask(parts, node.uuid, signal);
        if (!task.concerns(one.node)) return;
        await task.run(one).catch((error: unknown) => {
          one.log.warn({ task: task.name, err: error }, 'a periodic task of the driver failed');
        });
      });
    },
  };
}
