import { readNode } from '#db/nodes.ts';
import { readOpenOperation, updateOperation } from '#db/operations.ts';
import type { Transaction } from '#db/store.ts';
import { checkInstanceTraits } from '#drivers/validate.ts';
import { wireTime } from '#model/clock.ts';
import { Fault } from '#model/fault.ts';
import {
  ConcurrentActionLimit,
  InvalidParameterValue,
  InvalidStateRequested,
  NodeInMaintenance,
  NodeIsRetired,
  NodeLocked,
  NodeNotFound,
  NodeProtected,
} from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { nextState, type ProvisionEvent, type ProvisionState } from '#model/provision-states.ts';
import type { ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import { cleansAutomatically } from './flows/tear-down.ts';
import { changeFreeNode } from './locked-node.ts';
import type { Operations } from './operations.ts';
import { hashPassword } from './password-hash.ts';
import type { ConductorParts } from './parts.ts';
import { readingTask } from './task.ts';

/** What the calls below need. */
export interface Provisioning {
  readonly parts: ConductorParts;
  readonly operations: Operations;
  readonly signal: AbortSignal;
}

type Args<Name extends keyof ConductorCalls> = ConductorCalls[Name]['args'];

/** Accepts a deployment, or a rebuild of one. Throws what forbids it with nothing changed. */
export async function deployNode(
  { parts, operations, signal }: Provisioning,
  args: Args<'do_node_deploy'>,
  context: RequestContext,
): Promise<void> {
  await validateFor(parts, args.node, signal, ['power', 'deploy']);
  await operations.begin(args.node, 'deploy', context, async (node, transaction) => {
    const event = args.rebuild ? 'rebuild' : 'deploy';
    checkEvent(node, event);
    if (node.maintenance) throw new NodeInMaintenance({ op: 'provisioning', node: node.uuid });
    if (args.rebuild && node.protected) throw new NodeProtected({ node: node.uuid });
    await checkLimit(parts, transaction, node, 'deploy');
    const drive = args.configdrive === null ? {} : { configdrive: args.configdrive };
    return {
      input: { rebuild: args.rebuild, ...(args.steps ? { steps: args.steps } : {}) },
      raise: [event],
      columns: {
        last_error: null,
        instance_info: { ...node.instance_info, ...drive },
        ...automaticLessee(parts, node),
      },
      history: { severity: 'INFO', type: 'deployment_start', event: `Deployment begun: ${event}` },
    };
  });
}

/** [conductor]automatic_lessee: who deploys becomes the lessee while the instance lives. */
function automaticLessee(parts: ConductorParts, node: NodeRecord): Partial<NodeRecord> {
  const project = node.instance_info['project_id'];
  if (!parts.settings.conductor.automatic_lessee || node.lessee !== null || typeof project !== 'string')
    return {};
  return { lessee: project, driver_internal_info: { automatic_lessee: true } };
}

/** Accepts the removal of an instance; cleaning follows by itself. */
export async function tearDownNode(
  { parts, operations }: Provisioning,
  args: Args<'do_node_tear_down'>,
  context: RequestContext,
): Promise<void> {
  await operations.begin(args.node, 'tear down', context, async (node, transaction) => {
    checkEvent(node, 'delete');
    if (node.protected) throw new NodeProtected({ node: node.uuid });
    await checkLimit(parts, transaction, node, 'clean');
    return { input: {}, raise: ['delete'], columns: { last_error: null } };
  });
}

/** Accepts cleaning by hand, which ends in `manageable`. */
export async function cleanNode(
  { parts, operations, signal }: Provisioning,
  args: Args<'do_node_clean'>,
  context: RequestContext,
): Promise<void> {
  await validateFor(parts, args.node, signal, ['power', 'network']);
  await operations.begin(args.node, 'clean', context, async (node, transaction) => {
    checkEvent(node, 'clean');
    if (node.maintenance) throw new NodeInMaintenance({ op: 'cleaning', node: node.uuid });
    await checkLimit(parts, transaction, node, 'clean');
    return {
      input: { manual: true, steps: args.steps, disableRamdisk: args.disableRamdisk },
      raise: ['clean'],
      target: 'manageable',
      columns: { last_error: null },
      history: { severity: 'INFO', type: 'manual_cleaning_start', event: 'Cleaning begun by hand' },
    };
  });
}

export async function serviceNode(
  { parts, operations, signal }: Provisioning,
  args: Args<'do_node_service'>,
  context: RequestContext,
): Promise<void> {
  await validateFor(parts, args.node, signal, ['power', 'network']);
  await operations.begin(args.node, 'service', context, (node) => {
    checkEvent(node, 'service');
    if (node.maintenance) throw new NodeInMaintenance({ op: 'service', node: node.uuid });
    return {
      input: { steps: args.steps, disableRamdisk: args.disableRamdisk },
      raise: ['service'],
      columns: { last_error: null },
    };
  });
}

export async function rescueNode(
  { parts, operations, signal }: Provisioning,
  args: Args<'do_node_rescue'>,
  context: RequestContext,
): Promise<void> {
  await validateFor(parts, args.node, signal, ['power', 'rescue']);
  const { rescue_password_hash_algorithm: algorithm } = parts.settings.conductor;
  const hashed_rescue_password = hashPassword(args.rescuePassword, algorithm);
  await operations.begin(args.node, 'rescue', context, (node) => {
    checkEvent(node, 'rescue');
    if (node.maintenance) throw new NodeInMaintenance({ op: 'rescue', node: node.uuid });
    const instance_info = {
      ...node.instance_info,
      rescue_password: args.rescuePassword,
      hashed_rescue_password,
    };
    return { input: {}, raise: ['rescue'], columns: { last_error: null, instance_info } };
  });
}

export async function unrescueNode(
  { parts, operations, signal }: Provisioning,
  args: Args<'do_node_unrescue'>,
  context: RequestContext,
): Promise<void> {
  await validateFor(parts, args.node, signal, ['power']);
  await operations.begin(args.node, 'unrescue', context, (node) => {
    checkEvent(node, 'unrescue');
    if (node.maintenance) throw new NodeInMaintenance({ op: 'unrescue', node: node.uuid });
    return { input: {}, raise: ['unrescue'], columns: { last_error: null } };
  });
}

export async function inspectNode(
  { parts, operations, signal }: Provisioning,
  args: Args<'inspect_hardware'>,
  context: RequestContext,
): Promise<void> {
  await validateFor(parts, args.node, signal, ['power', 'inspect']);
  await operations.begin(args.node, 'inspect', context, (node) => {
    checkEvent(node, 'inspect');
    const inspection_started_at = wireTime(parts.clock.now());
    return {
      input: {},
      raise: ['inspect'],
      columns: { last_error: null, inspection_started_at, inspection_finished_at: null },
    };
  });
}

/** manage, provide, adopt, abort, unhold: those that are not an operation, or begin one without parameters. */
export async function provisioningAction(
  provisioning: Provisioning,
  args: Args<'do_provisioning_action'>,
  context: RequestContext,
): Promise<void> {
  switch (args.action) {
    case 'manage':
      return await manage(provisioning, args.node, context);
    case 'provide':
      return await provide(provisioning, args.node, context);
    case 'adopt':
      return await provisioning.operations.begin(args.node, 'adopt', context, (node) => {
        checkEvent(node, 'adopt');
        return { input: {}, raise: ['adopt'], columns: { last_error: null } };
      });
    case 'abort':
      return await abort(provisioning, args.node, context);
    default:
      throw new InvalidParameterValue(`There is no provisioning action '${args.action}'`);
  }
}

async function manage(
  { parts, operations }: Provisioning,
  uuid: string,
  context: RequestContext,
): Promise<void> {
  const node = await readNode(parts.store.read, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  if (node.provision_state === 'enroll') {
    return await operations.begin(uuid, 'verify', context, (record) => {
      checkEvent(record, 'manage');
      return { input: {}, raise: ['manage'], columns: { last_error: null } };
    });
  }
  await changeFreeNode(parts, uuid, context, (record) => {
    checkEvent(record, 'manage');
    if (record.provision_state === 'enroll') throw invalid(record, 'manage');
    return { raise: ['manage'] };
  });
}

/** Into `available`: through cleaning, or at once where the node or the configuration has it off. */
async function provide(
  { parts, operations }: Provisioning,
  uuid: string,
  context: RequestContext,
): Promise<void> {
  const node = await readNode(parts.store.read, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  const check = async (record: NodeRecord, transaction: Transaction): Promise<void> => {
    checkEvent(record, 'provide');
    if (record.retired) throw new NodeIsRetired({ op: 'provide', node: uuid });
    if (record.maintenance && !parts.settings.conductor.allow_provisioning_in_maintenance) {
      throw new NodeInMaintenance({ op: 'providing', node: uuid });
    }
    if (cleansAutomatically(record, parts.settings)) await checkLimit(parts, transaction, record, 'clean');
  };
  if (!cleansAutomatically(node, parts.settings)) {
    await changeFreeNode(parts, uuid, context, async (record, transaction) => {
      await check(record, transaction);
      return { raise: ['provide', 'done'], columns: { last_error: null } };
    });
    return;
  }
  await operations.begin(uuid, 'clean', context, async (record, transaction) => {
    await check(record, transaction);
    return {
      input: {},
      raise: ['provide'],
      columns: { last_error: null },
      history: { severity: 'INFO', type: 'automated_cleaning_start', event: 'Cleaning begun' },
    };
  });
}

/** In a wait: at once, or when the running step ends if it cannot be aborted. */
async function abort(
  { parts, operations }: Provisioning,
  uuid: string,
  context: RequestContext,
): Promise<void> {
  const operation = await readOpenOperation(parts.store.read, uuid);
  if (operation?.state !== 'waiting') {
    // Without an operation that waits, only `service failed` knows an abort.
    await changeFreeNode(parts, uuid, context, (node) => {
      checkEvent(node, 'abort');
      return { raise: ['abort'], columns: { last_error: null } };
    });
    return;
  }
  const step = operation.steps[operation.cursor];
  if (step && step.origin !== 'flow' && !step.abortable) {
    await parts.store.write(async (transaction) => {
      const now = await readOpenOperation(transaction, uuid);
      if (now?.state !== 'waiting') throw new NodeLocked({ node: uuid, host: operation.owner });
      await updateOperation(transaction, now.id, { abort_requested: true });
    });
    return;
  }
  const error =
    `By request, the ${operation.kind} operation was aborted` +
    (step ? ` during ${step.interface}.${step.step}` : '');
  await operations.endWaiting(operation, context, error, { aborted: true });
}

/** Throws InvalidStateRequested where the provision table knows no such event. */
function checkEvent(node: NodeRecord, event: ProvisionEvent): void {
  if (nextState(node.provision_state, event) === undefined) throw invalid(node, event);
}

function invalid(node: NodeRecord, event: ProvisionEvent): InvalidStateRequested {
  return new InvalidStateRequested({ action: event, node: node.uuid, state: node.provision_state });
}

/** Asks the interfaces before anything is accepted. Throws InvalidParameterValue naming what is missing. */
async function validateFor(
  parts: ConductorParts,
  uuid: string,
  signal: AbortSignal,
  types: readonly ('power' | 'deploy' | 'network' | 'rescue' | 'inspect')[],
): Promise<void> {
  const task = await readingTask(parts, uuid, signal);
  for (const type of types) {
    try {
      await task.driver[type].validate(task);
    } catch (error) {
      if (!(error instanceof Fault) || error.status >= 500) throw error;
      throw new InvalidParameterValue(
        `Node ${uuid} does not have what its ${type} interface needs: ${error.message}`,
        {
          cause: error,
        },
      );
    }
  }
  if (types.includes('deploy')) checkInstanceTraits(task.node);
}

const counted: Readonly<Record<'deploy' | 'clean', readonly ProvisionState[]>> = {
  deploy: ['deploying', 'wait call-back'],
  clean: ['deleting', 'cleaning', 'clean wait'],
};

/** [conductor]max_concurrent_deploy and max_concurrent_clean. Throws ConcurrentActionLimit. */
async function checkLimit(
  parts: ConductorParts,
  transaction: Transaction,
  node: NodeRecord,
  action: 'deploy' | 'clean',
): Promise<void> {
  const { max_concurrent_deploy, max_concurrent_clean, max_concurrent_per_conductor_group } =
    parts.settings.conductor;
  let query = transaction
    .selectFrom('nodes')
    .select((columns) => columns.fn.countAll<number>().as('count'))
    .where('provision_state', 'in', counted[action]);
  if (max_concurrent_per_conductor_group) query = query.where('conductor_group', '=', node.conductor_group);
  const { count } = await query.executeTakeFirstOrThrow();
  const limit = action === 'deploy' ? max_concurrent_deploy : max_concurrent_clean;
  if (count >= limit) throw new ConcurrentActionLimit({ task_type: action });
}
