import { readFreeNodes } from '#db/free-nodes.ts';
import { readNode, updateNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import { tellOf } from '../lock/node-commit.ts';
import { readingTask } from '../task.ts';
import { forEachOwn, type PeriodicTask } from './periodic-task.ts';

/**
 * Ensures: a node that went into maintenance because its BMC did not answer comes out when it answers again. When:
 * every [conductor]power_failure_recovery_interval. Not its business: any other maintenance.
 */
export const recoverPower: PeriodicTask = {
  name: 'recover-power',
  spacingSeconds: (settings) => settings.conductor.power_failure_recovery_interval,
  async run({ parts, signal }, context) {
    const nodes = await readFreeNodes(parts.store.read, { fault: 'power failure', maintenance: true });
    await forEachOwn(parts, nodes, parts.settings.conductor.periodic_max_workers, async (node) => {
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
        const about = { uuid: node.uuid, context };
        const tell = [{ kind: 'maintenance.changed', data: { maintenance: false, reason: null } }] as const;
        await tellOf(parts, transaction, about, { tell }, []);
        return await updateNode(transaction, node.uuid, {
          ...columns,
          updated_at: wireTime(parts.clock.now()),
        });
      });
      if (recovered) parts.log.info({ node: node.uuid }, 'its BMC answers again; out of maintenance');
    });
  },
};
