import { randomBytes } from 'node:crypto';
import { addEvent } from '#db/events.ts';
import { putInventory } from '#db/inventory.ts';
import { readNode, updateNode } from '#db/nodes.ts';
import { validateInterfaces } from '#drivers/validate.ts';
import { wireTime } from '#model/clock.ts';
import {
  InvalidParameterValue,
  InvalidState,
  NodeNotFound,
  NotFound,
  UnsupportedDriverExtension,
} from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { bootDevices, isPowerTarget } from '#model/power-states.ts';
import { mask } from '#model/secrets.ts';
import type { ConductorCalls, ConductorHandlers, RequestContext } from '#protocol/rpc.ts';
import { accept, type Acceptance, type Provisioning } from './accept.ts';
import { heartbeat } from './heartbeat.ts';
import { lockNode } from './locked-node.ts';
import { createNode, destroyNode, updateNode as editNode } from './node-edits.ts';
import type { ConductorParts } from './parts.ts';
import { createPort, destroyPort, updatePort } from './port-edits.ts';
import { provisioningAction } from './provisioning-actions.ts';
import { readingTask, taskOf } from './task.ts';
import { clean, deploy, inspect, rescue, service, tearDown, unrescue } from './verbs.ts';

/** Every call a conductor answers, and the function that does it. */
export function createHandlers(provisioning: Provisioning): ConductorHandlers {
  const { parts, operations, signal } = provisioning;
  const accepting =
    <Args extends { node: string }>(verb: (args: Args, parts: ConductorParts) => Acceptance) =>
    async (args: Args, context: RequestContext): Promise<void> =>
      await accept(provisioning, args.node, verb(args, parts), context);
  return {
    create_node: async ({ node }, context) => await createNode(parts, node, context),
    update_node: async ({ node, patch, seen, resetInterfaces }, context) =>
      await editNode(parts, node, patch, { resetInterfaces, ...(seen ? { seen } : {}) }, context),
    destroy_node: async ({ node }, context) => await destroyNode(parts, node, context),
    set_maintenance: async (args, context) => await setMaintenance(provisioning, args, context),

    change_node_power_state: async (args, context) => await changePowerState(provisioning, args, context),
    do_node_deploy: accepting(deploy),
    do_node_tear_down: accepting(tearDown),
    do_node_clean: accepting(clean),
    do_node_service: accepting(service),
    do_node_rescue: accepting(rescue),
    do_node_unrescue: accepting(unrescue),
    inspect_hardware: accepting(inspect),
    do_provisioning_action: async (args, context) => await provisioningAction(provisioning, args, context),

    async validate_driver_interfaces({ node }) {
      const task = await readingTask(parts, node, signal);
      return await validateInterfaces(task.driver, task);
    },
    async set_boot_device({ node: uuid, device, persistent }, context) {
      const wanted = bootDevices.find((one) => one === device);
      await using node = await lockNode(parts, uuid, context);
      const task = await taskOf(parts, node, signal);
      await task.driver.management.validate(task);
      const supported = await task.driver.management.supportedBootDevices(task);
      if (!wanted || !supported.includes(wanted)) {
        throw new InvalidParameterValue(`The boot device '${device}' is none of ${supported.join(', ')}`);
      }
      await task.driver.management.setBootDevice(task, wanted, { persistent });
    },
    async get_boot_device({ node }) {
      const task = await readingTask(parts, node, signal);
      await task.driver.management.validate(task);
      return await task.driver.management.getBootDevice(task);
    },
    async get_supported_boot_devices({ node }) {
      const task = await readingTask(parts, node, signal);
      return [...(await task.driver.management.supportedBootDevices(task))];
    },
    async change_node_boot_mode({ node: uuid, mode }, context) {
      await using node = await lockNode(parts, uuid, context);
      const task = await taskOf(parts, node, signal);
      const { management } = task.driver;
      if (!management.setBootMode) throw unsupported(node.record, 'set_boot_mode');
      if (mode !== 'bios' && mode !== 'uefi') throw new InvalidParameterValue(`'${mode}' is no boot mode`);
      await management.setBootMode(task, mode);
      await task.save({ boot_mode: mode });
    },
    async change_node_secure_boot({ node: uuid, enabled }, context) {
      await using node = await lockNode(parts, uuid, context);
      const task = await taskOf(parts, node, signal);
      const { management } = task.driver;
      if (!management.setSecureBoot) throw unsupported(node.record, 'set_secure_boot_state');
      await management.setSecureBoot(task, enabled);
      await task.save({ secure_boot: enabled });
    },
    async inject_nmi({ node: uuid }, context) {
      await using node = await lockNode(parts, uuid, context);
      const task = await taskOf(parts, node, signal);
      const { management } = task.driver;
      if (!management.injectNmi) throw unsupported(node.record, 'inject_nmi');
      await management.injectNmi(task);
    },

    create_port: async ({ port }) => await createPort(parts, port),
    update_port: async ({ port, patch, seen }) => await updatePort(parts, port, patch, seen),
    destroy_port: async ({ port }) => await destroyPort(parts, port),

    get_driver_properties: async ({ driver }) => parts.registry.properties(driver),
    get_raid_logical_disk_properties: async ({ driver }) => ({
      ...parts.registry.logicalDiskProperties(driver),
    }),

    get_node_with_token: async ({ node }) => await nodeWithToken(provisioning, node),
    heartbeat: async (args, context) => await heartbeat(parts, operations, args, context),
    continue_inspection: async (args, context) => await continueInspection(provisioning, args, context),
  };
}

function unsupported(node: NodeRecord, extension: string): UnsupportedDriverExtension {
  return new UnsupportedDriverExtension({ driver: node.driver, extension });
}

async function setMaintenance(
  { parts }: Provisioning,
  { node: uuid, maintenance, reason }: ConductorCalls['set_maintenance']['args'],
  context: RequestContext,
): Promise<void> {
  // Maintenance may be set on a node that is held: it stops nothing that runs, and an operator must be able to.
  await parts.store.write(async (transaction) => {
    const columns = {
      maintenance,
      maintenance_reason: maintenance ? reason : null,
      ...(maintenance ? {} : { fault: null }),
    };
    const node = await updateNode(transaction, uuid, { ...columns, updated_at: wireTime(parts.clock.now()) });
    if (!node) throw new NodeNotFound({ node: uuid });
    await addEvent(transaction, {
      at: wireTime(parts.clock.now()),
      kind: 'maintenance.changed',
      node_uuid: uuid,
      operation_id: null,
      request_id: context.requestId,
      data: { maintenance, reason },
    });
  });
}

async function changePowerState(
  { parts, operations, signal }: Provisioning,
  { node: uuid, target, timeoutSeconds }: ConductorCalls['change_node_power_state']['args'],
  context: RequestContext,
): Promise<void> {
  if (!isPowerTarget(target)) throw new InvalidParameterValue(`'${target}' is no power state to go to`);
  const task = await readingTask(parts, uuid, signal);
  await task.driver.power.validate(task);
  if (target.startsWith('soft') && !(await task.driver.power.supportedTargets(task)).includes(target)) {
    throw new InvalidParameterValue(`The power interface of node ${uuid} cannot do '${target}'`);
  }
  const result = target.endsWith('off') ? 'power off' : 'power on';
  await operations.begin(uuid, 'power', context, (node) => {
    if (node.disable_power_off && result === 'power off') {
      throw new InvalidState(`Node ${uuid} must not be powered off: disable_power_off is set on it`);
    }
    return {
      input: {
        powerTarget: target,
        ...(timeoutSeconds === null ? {} : { powerTimeoutSeconds: timeoutSeconds }),
      },
      columns: { target_power_state: result, last_error: null },
    };
  });
}

/** The node's token, to hand out once: to the agent that asks first. */
async function nodeWithToken(
  { parts }: Provisioning,
  uuid: string,
): Promise<ConductorCalls['get_node_with_token']['result']> {
  const known = await readNode(parts.store.read, uuid);
  if (known && 'agent_secret_token' in known.driver_internal_info) return { node: known, token: mask };
  const token = randomBytes(32).toString('base64url');
  return await parts.store.write(async (transaction) => {
    const node = await readNode(transaction, uuid);
    if (!node) throw new NodeNotFound({ node: uuid });
    if ('agent_secret_token' in node.driver_internal_info) return { node, token: mask };
    const columns = { driver_internal_info: { agent_secret_token: token } };
    return { node: (await updateNode(transaction, uuid, columns)) ?? node, token };
  });
}

/** Stores what the agent found, then lets the inspection that waits for it go on. */
async function continueInspection(
  provisioning: Provisioning,
  { node: uuid, inventory, pluginData }: ConductorCalls['continue_inspection']['args'],
  context: RequestContext,
): Promise<ConductorCalls['continue_inspection']['result']> {
  const { parts, operations } = provisioning;
  const found = { inventory, plugin_data: pluginData };
  const woken = await operations.wake(
    uuid,
    context,
    {
      also: async (transaction) => await putInventory(transaction, uuid, found, wireTime(parts.clock.now())),
    },
    { received: true },
  );
  if (!woken) throw new NotFound(`Node ${uuid} does not wait for an inspection`);
  return await nodeWithToken(provisioning, uuid);
}
