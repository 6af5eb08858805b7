import { done } from '#drivers/steps.ts';
import { tearDownResets } from '#model/node-fields.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { Settings } from '#config/settings.ts';
import { type Flow, flowStep } from './flow.ts';

/**
 * Ensures: the instance is off the machine and nothing of it is left on the node; then cleaning begins.
 * When: `deleted`. Not its business: erasing the disks (clean).
 */
export const tearDown: Flow = {
  kind: 'tear down',
  stepFlow: 'deploy',
  stepField: null,
  plan: () => [flowStep('tear_down'), flowStep('clean_up')],
  own: {
    tear_down: async (task) => await task.driver.deploy.tearDown(task),
    async clean_up(task) {
      await task.driver.deploy.cleanUp(task);
      return done;
    },
  },
  finish({ node, settings }) {
    const columns = { ...tearDownResets, last_error: null, ...lesseeReset(node) };
    if (!cleansAutomatically(node, settings)) {
      return { raise: ['clean', node.retired ? 'manage' : 'done'], columns };
    }
    return { raise: ['clean'], columns, next: { kind: 'clean', input: {} } };
  },
  fail: (_operation, _node, error) => ({
    raise: ['fail'],
    columns: { last_error: error },
    history: { severity: 'ERROR', type: 'unprovision', event: error },
  }),
};

/** Whether a node is cleaned on its way to `available`: its own word, else the configuration's. */
export function cleansAutomatically(node: NodeRecord, settings: Settings): boolean {
  return node.automated_clean ?? settings.conductor.automated_clean;
}

/** A lessee that the deployment set goes with it ([conductor]automatic_lessee). */
function lesseeReset(node: NodeRecord): { lessee?: null; driver_internal_info?: Record<string, null> } {
  if (node.driver_internal_info['automatic_lessee'] !== true) return {};
  return { lessee: null, driver_internal_info: { automatic_lessee: null } };
}
