import { readNode, updateNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import { readingTask } from '../task.ts';
import { forEachAtMost, type PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: a node that went into maintenance because its BMC did not answer comes out when it answers again. When:
 * every [conductor]power_failure_recovery_interval. Not its business: any other maintenance.
 */
export const recoverPower: PeriodicTask = {
  name: 'recover-power',
  spacingSeconds: (settings) => settings.conductor.power_failure_recovery_interval,
  async run({ parts, signal }) {
    const nodes = await parts.store.read
      .selectFrom('nodes')
      .select(['uuid', 'driver', 'conductor_group'])
      .where('fault', '=', 'power failure')
      .where('maintenance', '=', 1)
      .where('reservation', 'is', null)
      .execute();
    await forEachAtMost(nodes, parts.settings.conductor.periodic_max_workers, async (node) => {
      if ((await parts.ring.findHost(node)) !== parts.hostname) return;
      const task = await readingTask(parts, node.uuid, signal);
      const seen = await task.driver.power.getPowerState(task).catch(() => null);
      if (seen === null || seen === 'error') return;
      const columns = {
        power_state: seen,
        maintenance: false,
        maintenance_reason: null,
        fault: null,
        last_error: null,
      };
      const recovered = await parts.store.write(async (transaction) => {
        const now = await readNode(transaction, node.uuid);
        // While the BMC was asked, somebody may have taken the node or said something else of it.
        const isSame = now?.maintenance && now.fault === 'power failure' && now.reservation === null;
        if (!isSame || now.maintenance_reason !== task.node.maintenance_reason) return undefined;
        return await updateNode(transaction, node.uuid, {
          ...columns,
          updated_at: wireTime(parts.clock.now()),
        });
      });
      if (recovered) parts.log.info({ node: node.uuid }, 'its BMC answers again; out of maintenance');
    });
  },
};
