// What each verb begins: a row each. What the provision table says of a verb is not said again here.
import type { Settings } from '#config/settings.ts';
import { wireTime } from '#model/clock.ts';
import { InvalidState } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { provisionVerbs } from '#model/provision-verbs.ts';
import { mask } from '#model/secrets.ts';
import type { ConductorCalls } from '#protocol/rpc.ts';
import type { NodeCommit } from '../lock/node-commit.ts';
import { type Acceptance, notFrom, type Restrictions } from './accept.ts';
import { hashPassword } from './password-hash.ts';
import type { ConductorParts } from '../parts.ts';

type Args<Name extends keyof ConductorCalls> = ConductorCalls[Name]['args'];

export function deploy(
  { rebuild, steps, configdrive }: Args<'do_node_deploy'>,
  { settings }: ConductorParts,
): Acceptance {
  const verb = rebuild ? 'rebuild' : 'active';
  return {
    verb,
    kind: 'deploy',
    asks: ['power', 'deploy'],
    op: 'provisioning',
    limit: 'deploy',
    begins: (node) => ({
      input: { rebuild, ...(steps ? { steps } : {}) },
      columns: {
        instance_info: { ...node.instance_info, ...(configdrive === null ? {} : { configdrive }) },
        ...automaticLessee(settings, node),
      },
      history: {
        severity: 'INFO',
        type: 'deployment_start',
        event: `Deployment begun: ${provisionVerbs[verb].event}`,
      },
    }),
  };
}

/** [conductor]automatic_lessee: who deploys becomes the lessee while the instance lives. */
function automaticLessee({ conductor }: Settings, node: NodeRecord): NonNullable<NodeCommit['columns']> {
  const project = node.instance_info['project_id'];
  if (!conductor.automatic_lessee || node.lessee !== null || typeof project !== 'string') return {};
  return { lessee: project, driver_internal_info: { automatic_lessee: true } };
}

/** Cleaning follows the removal of an instance by itself. */
export const tearDown = (): Acceptance => ({ verb: 'deleted', kind: 'tear down', limit: 'clean' });

/** By hand: ends in `manageable`. */
export const clean = ({ steps, disableRamdisk }: Args<'do_node_clean'>): Acceptance => ({
  verb: 'clean',
  kind: 'clean',
  asks: ['power', 'network'],
  op: 'cleaning',
  limit: 'clean',
  begins: () => ({
    input: { manual: true, steps, disableRamdisk },
    target: 'manageable',
    history: { severity: 'INFO', type: 'manual_cleaning_start', event: 'Cleaning begun by hand' },
  }),
});

/** Into `available` without cleaning, where the node or the configuration has it off. */
export const provideAtOnce: Restrictions = { verb: 'provide', op: 'providing', refusedWhenRetired: true };

/** Into `available` by way of cleaning. */
export const provide: Acceptance = {
  ...provideAtOnce,
  kind: 'clean',
  limit: 'clean',
  begins: () => ({
    history: { severity: 'INFO', type: 'automated_cleaning_start', event: 'Cleaning begun' },
  }),
};

export const service = ({ steps, disableRamdisk }: Args<'do_node_service'>): Acceptance => ({
  verb: 'service',
  kind: 'service',
  asks: ['power', 'network'],
  begins: () => ({
    input: { steps, disableRamdisk },
    history: { severity: 'INFO', type: 'servicing_start', event: 'Service begun' },
  }),
});

/**
 * `abort` in `service failed`: active at once, and the machine boots its instance again where it ran the agent. A node
 * that needs somebody to look at it first is in maintenance, and stays where it is.
 */
export const leaveService: Acceptance = {
  verb: 'abort',
  kind: 'service',
  begins(node) {
    if (node.provision_state !== 'service failed') throw notFrom(node, 'abort');
    if (node.maintenance)
      throw new InvalidState(
        `Node ${node.uuid} is in maintenance: take it out of that before its service operation is aborted`,
      );
    return { input: { leaves: true } };
  },
};

/**
 * The password itself is kept nowhere: the agent is given the hash. In its place stands what clients see of it anyway
 * (ironic keeps both, conductor/manager.py).
 */
export function rescue({ rescuePassword }: Args<'do_node_rescue'>, { settings }: ConductorParts): Acceptance {
  // Thousands of rounds: not for the transaction to wait for.
  const algorithm = settings.conductor.rescue_password_hash_algorithm;
  const password = {
    rescue_password: mask,
    hashed_rescue_password: hashPassword(rescuePassword, algorithm),
  };
  return {
    verb: 'rescue',
    kind: 'rescue',
    asks: ['power', 'rescue'],
    begins: (node) => ({
      columns: { instance_info: { ...node.instance_info, ...password } },
    }),
  };
}

export const unrescue = (): Acceptance => ({ verb: 'unrescue', kind: 'unrescue', asks: ['power'] });

export const inspect = (_args: Args<'inspect_hardware'>, { clock }: ConductorParts): Acceptance => ({
  verb: 'inspect',
  kind: 'inspect',
  asks: ['power', 'inspect'],
  begins: () => ({
    columns: { inspection_started_at: wireTime(clock.now()), inspection_finished_at: null },
  }),
});

export const adopt: Acceptance = { verb: 'adopt', kind: 'adopt' };

/** `manage` from `enroll`; elsewhere it begins nothing. */
export const verify: Acceptance = { verb: 'manage', kind: 'verify' };
