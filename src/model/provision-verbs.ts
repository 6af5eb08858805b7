// What a client may ask of a node: PUT /v1/nodes/{node}/states/provision {"target": VERB}.
import {
  type ClientEvent,
  type ProvisionEvent,
  type ProvisionState,
  type ProvisionTransition,
  provisionTransitions,
} from './provision-states.ts';

/** A target as clients spell it. */
export type ProvisionVerb =
  | 'active'
  | 'deploy'
  | 'rebuild'
  | 'deleted'
  | 'undeploy'
  | 'manage'
  | 'provide'
  | 'inspect'
  | 'clean'
  | 'adopt'
  | 'abort'
  | 'rescue'
  | 'unrescue'
  | 'unhold'
  | 'service';

/** A key beside `target` in the request. */
export type VerbParameter =
  | 'configdrive'
  | 'deploy_steps'
  | 'clean_steps'
  | 'service_steps'
  | 'runbook'
  | 'disable_ramdisk'
  | 'rescue_password';

export interface ProvisionVerbRow {
  readonly event: ClientEvent;
  /** The first microversion (its minor) that knows the verb. */
  readonly since: number;
  /** Where a verb is younger in one state than elsewhere. */
  readonly sinceIn?: Readonly<Partial<Record<ProvisionState, number>>>;
  /** False where the reference accepts the verb at any version, whatever its documentation says. */
  readonly versionChecked: boolean;
  readonly allowedFrom: readonly ProvisionState[];
  /** Keys accepted beside the target, and the first microversion (its minor) that accepts each. */
  readonly parameters: Readonly<Partial<Record<VerbParameter, number>>>;
  /** Of these parameters exactly one must be given. */
  readonly needsOneOf?: readonly VerbParameter[];
  /** `unless allowed` is `[conductor]allow_provisioning_in_maintenance`, which is on by default. */
  readonly inMaintenance: 'accepted' | 'refused' | 'refused unless allowed';
  /** Whether a protected node refuses it. */
  readonly refusedWhenProtected: boolean;
  /** The verb that this one is another spelling of. */
  readonly aliasOf?: ProvisionVerb;
}

const deletableFrom = [
  'active',
  'wait call-back',
  'deploy failed',
  'error',
  'rescue',
  'rescue failed',
  'rescue wait',
  'unrescue failed',
  'service failed',
  'service wait',
] as const satisfies readonly ProvisionState[];

/** Every verb. ironic common/states.py VERBS, api/controllers/v1/node.py, api/controllers/v1/utils.py, 2026.2. */
export const provisionVerbs = {
  active: {
    event: 'deploy',
    since: 1,
    versionChecked: true,
    allowedFrom: ['available', 'deploy failed'],
    parameters: { configdrive: 1, deploy_steps: 69 },
    inMaintenance: 'refused',
    refusedWhenProtected: false,
  },
  // The alias takes no parameters with this spelling.
  deploy: {
    event: 'deploy',
    since: 73,
    versionChecked: true,
    allowedFrom: ['available', 'deploy failed'],
    parameters: {},
    inMaintenance: 'refused',
    refusedWhenProtected: false,
    aliasOf: 'active',
  },
  rebuild: {
    event: 'rebuild',
    since: 1,
    versionChecked: true,
    allowedFrom: ['deploy failed', 'active', 'error'],
    parameters: { configdrive: 35, deploy_steps: 69 },
    inMaintenance: 'refused',
    refusedWhenProtected: true,
  },
  deleted: {
    event: 'delete',
    since: 1,
    versionChecked: true,
    allowedFrom: deletableFrom,
    parameters: {},
    inMaintenance: 'accepted',
    refusedWhenProtected: true,
  },
  undeploy: {
    event: 'delete',
    since: 73,
    versionChecked: false,
    allowedFrom: deletableFrom,
    parameters: {},
    inMaintenance: 'accepted',
    refusedWhenProtected: true,
    aliasOf: 'deleted',
  },
  // From enroll it verifies: power validation, reading the power state, verify steps. Elsewhere it only moves.
  manage: {
    event: 'manage',
    since: 4,
    versionChecked: true,
    allowedFrom: ['enroll', 'available', 'clean failed', 'inspect failed', 'adopt failed'],
    parameters: {},
    inMaintenance: 'accepted',
    refusedWhenProtected: false,
  },
  // Also refused for a retired node.
  provide: {
    event: 'provide',
    since: 4,
    versionChecked: true,
    allowedFrom: ['manageable'],
    parameters: {},
    inMaintenance: 'refused unless allowed',
    refusedWhenProtected: false,
  },
  inspect: {
    event: 'inspect',
    since: 6,
    versionChecked: true,
    allowedFrom: ['manageable', 'inspect failed'],
    parameters: {},
    inMaintenance: 'accepted',
    refusedWhenProtected: false,
  },
  // A running step that may not be aborted runs to its end first; from deploy hold the node is torn down too;
  // from service wait and service hold it goes on to active; from service failed not in maintenance.
  abort: {
    event: 'abort',
    since: 13,
    sinceIn: { 'inspect wait': 41, 'wait call-back': 110 },
    versionChecked: true,
    allowedFrom: [
      'deploy hold',
      'wait call-back',
      'clean wait',
      'clean hold',
      'inspect wait',
      'rescue wait',
      'service wait',
      'service hold',
      'service failed',
    ],
    parameters: {},
    inMaintenance: 'accepted',
    refusedWhenProtected: false,
  },
  // The target stays manageable throughout, where automated cleaning aims at available.
  clean: {
    event: 'clean',
    since: 15,
    versionChecked: true,
    allowedFrom: ['manageable'],
    parameters: { clean_steps: 15, runbook: 92, disable_ramdisk: 70 },
    needsOneOf: ['clean_steps', 'runbook'],
    inMaintenance: 'refused',
    refusedWhenProtected: false,
  },
  adopt: {
    event: 'adopt',
    since: 17,
    versionChecked: true,
    allowedFrom: ['manageable', 'adopt failed'],
    parameters: {},
    inMaintenance: 'accepted',
    refusedWhenProtected: false,
  },
  rescue: {
    event: 'rescue',
    since: 38,
    versionChecked: true,
    allowedFrom: ['active', 'rescue', 'rescue failed', 'unrescue failed', 'service failed'],
    parameters: { rescue_password: 38 },
    needsOneOf: ['rescue_password'],
    inMaintenance: 'refused',
    refusedWhenProtected: false,
  },
  unrescue: {
    event: 'unrescue',
    since: 38,
    versionChecked: true,
    allowedFrom: ['rescue', 'rescue failed', 'unrescue failed'],
    parameters: {},
    inMaintenance: 'refused',
    refusedWhenProtected: false,
  },
  // From clean hold and deploy hold the next heartbeat goes on; from service hold at once.
  unhold: {
    event: 'unhold',
    since: 85,
    versionChecked: true,
    allowedFrom: ['deploy hold', 'clean hold', 'service hold'],
    parameters: {},
    inMaintenance: 'accepted',
    refusedWhenProtected: false,
  },
  service: {
    event: 'service',
    since: 87,
    versionChecked: true,
    allowedFrom: ['active', 'service hold', 'service failed'],
    parameters: { service_steps: 87, runbook: 92, disable_ramdisk: 108 },
    needsOneOf: ['service_steps', 'runbook'],
    inMaintenance: 'refused',
    refusedWhenProtected: false,
  },
} as const satisfies Record<ProvisionVerb, ProvisionVerbRow>;

/** The row of a verb, or undefined when no such verb exists. */
export function verbFor(target: string): ProvisionVerbRow | undefined {
  // hasOwn says it is a key of the table, which the compiler does not follow.
  return Object.hasOwn(provisionVerbs, target) ? provisionVerbs[target as ProvisionVerb] : undefined;
}

/** Every verb, in the table's order. */
// The keys of the table are its verbs: `satisfies` admits no others.
export const allProvisionVerbs = Object.keys(provisionVerbs) as readonly ProvisionVerb[];

/** The first minor that accepts a verb in a state, counting the states where it came later. */
export function verbSince(verb: ProvisionVerbRow, from: ProvisionState): number {
  return verb.sinceIn?.[from] ?? verb.since;
}

const internalEvents: readonly ProvisionEvent[] = ['done', 'fail', 'wait', 'resume', 'hold'];

/** Transitions that no client may ask for: internal events, and clean and manage at the end of another flow. */
export const conductorTransitions: readonly ProvisionTransition[] = provisionTransitions.filter(
  ({ from, event }) =>
    internalEvents.includes(event) ||
    (event === 'manage' && from === 'cleaning') ||
    (event === 'clean' && from === 'deleting'),
);
