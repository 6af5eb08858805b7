import type { NodeColumns } from '#db/nodes.ts';
import { done } from '#drivers/steps.ts';
import { tearDownResets } from '#model/node-fields.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { Settings } from '#config/settings.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import { noShownSteps } from '../steps/shown-step.ts';
import { type Flow, flowStep } from './flow.ts';
import { instanceIsThere } from './service.ts';

/**
 * Ensures: the instance is off the machine and nothing of it is left on the node; then cleaning begins.
 * When: `deleted`. Not its business: erasing the disks (clean).
 */
export const tearDown: Flow = {
  kind: 'tear down',
  stepFlow: 'deploy',
  stepField: null,
  plan: ({ node }) => [
    ...(rescued.includes(node.provision_state) ? [flowStep('leave_rescue')] : []),
    ...(node.console_enabled ? [flowStep('stop_console')] : []),
    flowStep('tear_down'),
    flowStep('clean_up'),
  ],
  own: {
    async leave_rescue(task) {
      await task.driver.rescue.cleanUp?.(task);
      return done;
    },
    async stop_console(task) {
      await task.driver.console.stop?.(task);
      return { ...done, columns: { console_enabled: false } };
    },
    tear_down: async (task) => await task.driver.deploy.tearDown(task),
    async clean_up(task) {
      await task.driver.deploy.cleanUp(task);
      return done;
    },
  },
  finish({ operation, node, settings }) {
    if (operation.input.leaves) return { columns: instanceReset(node) };
    const columns = { ...instanceReset(node), last_error: null };
    if (!cleansAutomatically(node, settings)) {
      return { raise: ['clean', node.retired ? 'manage' : 'done'], columns };
    }
    const history = { severity: 'INFO', type: 'automated_cleaning_start', event: 'Cleaning begun' } as const;
    return { raise: ['clean'], columns, history, next: { kind: 'clean', input: {} } };
  },
  fail: ({ operation, error }) => ({
    raise: operation.input.leaves ? [] : ['fail'],
    columns: { last_error: error },
    history: { severity: 'ERROR', type: 'unprovision', event: error },
  }),
};

/** Where the machine may have what a rescue gave it (ironic conductor/manager.py _do_node_tear_down, 2026.2). */
const rescued: readonly ProvisionState[] = ['rescue', 'rescue wait', 'rescue failed', 'unrescue failed'];

/** Whether a node is cleaned on its way to `available`: its own word, else the configuration's. */
export function cleansAutomatically(node: NodeRecord, settings: Settings): boolean {
  return node.automated_clean ?? settings.conductor.automated_clean;
}

/** Nothing of the instance stays, and no lessee that the deployment set ([conductor]automatic_lessee). */
function instanceReset(node: NodeRecord): NodeColumns {
  const hadLessee = node.driver_internal_info['automatic_lessee'] === true;
  return {
    ...tearDownResets,
    ...(hadLessee ? { lessee: null } : {}),
    driver_internal_info: { ...noShownSteps, ...instanceIsThere, automatic_lessee: null },
  };
}
