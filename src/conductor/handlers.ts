import { validateInterfaces } from '#drivers/validate.ts';
import type { ConductorHandlers, RequestContext } from '#protocol/rpc.ts';
import { accept, type Acceptance } from './verbs/accept.ts';
import { nodeWithToken } from './agents/agent-token.ts';
import { changePowerState } from './power/change-power-state.ts';
import { continueInspection } from './agents/continue-inspection.ts';
import { Preflight } from './preflight/preflight.ts';
import { explainNode } from './explain-node.ts';
import { heartbeat } from './heartbeat.ts';
import { managementCalls } from './management-calls.ts';
import { createNode, destroyNode, updateNode } from './edits/node-edits.ts';
import type { ConductorParts } from './parts.ts';
import { createPort, destroyPort, updatePort } from './edits/port-edits.ts';
import { cancel, provisioningAction } from './verbs/provisioning-actions.ts';
import { setMaintenance } from './edits/set-maintenance.ts';
import { RefusedHeartbeats } from './agents/refused-heartbeats.ts';
import { readingTask } from './task.ts';
import { clean, deploy, inspect, rescue, service, tearDown, unrescue } from './verbs/verbs.ts';
import type { ConductorWorkings } from './workings.ts';

/** Every call a conductor answers, and the function that does it. */
export function createHandlers(workings: ConductorWorkings): ConductorHandlers {
  const { parts, operations } = workings;
  const accepting =
    <Args extends { node: string }>(verb: (args: Args, parts: ConductorParts) => Acceptance) =>
    async (args: Args, context: RequestContext): Promise<void> =>
      await accept(workings, args.node, verb(args, parts), context);
  const looking = new Preflight(parts);
  const refused = new RefusedHeartbeats(parts.clock);
  return {
    create_node: async ({ node }, context) => await createNode(parts, node, context),
    update_node: async ({ node, patch, seen, resetInterfaces }, context) =>
      await updateNode(parts, node, patch, { resetInterfaces, ...(seen ? { seen } : {}) }, context),
    destroy_node: async ({ node }, context) => await destroyNode(parts, node, context),
    set_maintenance: async (args, context) => await setMaintenance(parts, args, context),

    change_node_power_state: async (args, context) => await changePowerState(workings, args, context),
    do_node_deploy: accepting(deploy),
    do_node_tear_down: accepting(tearDown),
    do_node_clean: accepting(clean),
    do_node_service: accepting(service),
    do_node_rescue: accepting(rescue),
    do_node_unrescue: accepting(unrescue),
    inspect_hardware: accepting(inspect),
    do_provisioning_action: async (args, context) => await provisioningAction(workings, args, context),
    cancel_operation: async ({ node }, context) => await cancel(workings, node, context),

    async validate_driver_interfaces({ node }, context) {
      const task = await readingTask(parts, node, workings.signal, context);
      return await validateInterfaces(task.driver, task);
    },
    preflight: async ({ node, trial }, context) => await looking.of(node, trial, workings.signal, context),
    explain_node: async ({ node }) => await explainNode(workings, refused, node),
    ...managementCalls(workings),

    create_port: async ({ port }, context) => await createPort(parts, port, context),
    update_port: async ({ port, patch, seen }, context) =>
      await updatePort(parts, port, patch, seen, context),
    destroy_port: async ({ port }, context) => await destroyPort(parts, port, context),

    get_driver_properties: async ({ driver }) => parts.registry.properties(driver),
    get_raid_logical_disk_properties: async ({ driver }) => ({
      ...parts.registry.logicalDiskProperties(driver),
    }),

    get_node_with_token: async ({ node }) => await nodeWithToken(parts, node),
    heartbeat: async (args, context) =>
      await refused.watch(args.node, async () => await heartbeat(parts, operations, args, context)),
    continue_inspection: async (args, context) => await continueInspection(workings, args, context),
  };
}
