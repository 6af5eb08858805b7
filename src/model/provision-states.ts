// The provision state machine: what a node can be in the middle of, and what may happen to it there.
// Everything said about a state stands in its row; sets, transitions and predicates derive from the rows.

/** A provision state, spelled as on the wire. */
export type ProvisionState =
  | 'enroll'
  | 'verifying'
  | 'manageable'
  | 'available'
  | 'active'
  | 'error'
  | 'deploying'
  | 'wait call-back'
  | 'deploy hold'
  | 'deploy failed'
  | 'deleting'
  | 'cleaning'
  | 'clean wait'
  | 'clean hold'
  | 'clean failed'
  | 'inspecting'
  | 'inspect wait'
  | 'inspect failed'
  | 'adopting'
  | 'adopt failed'
  | 'rescue'
  | 'rescuing'
  | 'rescue wait'
  | 'rescue failed'
  | 'unrescuing'
  | 'unrescue failed'
  | 'servicing'
  | 'service wait'
  | 'service hold'
  | 'service failed';

/** An event a client may raise, through a verb. */
export type ClientEvent =
  | 'deploy'
  | 'rebuild'
  | 'delete'
  | 'manage'
  | 'provide'
  | 'clean'
  | 'inspect'
  | 'adopt'
  | 'abort'
  | 'rescue'
  | 'unrescue'
  | 'service'
  | 'unhold';

/** An event that only the conductor raises. */
export type InternalEvent = 'done' | 'fail' | 'wait' | 'resume' | 'hold';

export type ProvisionEvent = ClientEvent | InternalEvent;

/**
 * What being in a state means for who has the next word:
 * `stable` the operator, `working` a conductor, `waiting` the agent or a poll, `held` the operator in the
 * middle of a flow, `failed` the operator after a flow that did not end well.
 */
export type StateKind = 'stable' | 'working' | 'waiting' | 'held' | 'failed';

/** The state one arrives at when a flow ends well; `target_provision_state` while it is under way. */
export type TargetProvisionState = 'active' | 'available' | 'manageable' | 'rescue';

/** What the conductor does with an agent's heartbeat in a state. */
export type HeartbeatMeaning =
  | 'continue deploy'
  | 'continue clean'
  | 'continue service'
  | 'finish rescue'
  /** Note the agent's address and the time, start nothing. */
  | 'record'
  /** As `record`, but only where `[deploy]fast_track` lets an agent wait for its work. */
  | 'record in fast track'
  | 'ignore';

/** What becomes of a node in this state when its conductor dies; Ironic's answer and ours. */
export interface WhenConductorDies {
  /** `fail`: a restart or another conductor raises fail. `wait`: the wait goes on. `stay`: nothing was in hand. */
  readonly ironic: 'fail' | 'wait' | 'stay';
  /** `resume`: the operation's row is read again and goes on. */
  readonly ingot: 'resume' | 'wait' | 'stay';
}

/** The option, in `[conductor]`, that limits how long a node may wait in a state. */
export type WaitTimeoutOption =
  | 'deploy_callback_timeout'
  | 'clean_callback_timeout'
  | 'inspect_wait_timeout'
  | 'rescue_callback_timeout'
  | 'service_callback_timeout';

/** What a state allows that others do not. */
export type StateAllowance =
  /** PATCH although `target_provision_state` is set. */
  | 'update'
  /** DELETE of the node. */
  | 'delete'
  /** Lookup by an agent. */
  | 'lookup'
  /** Lookup by an agent only where `[deploy]fast_track` is on. */
  | 'fast track lookup';

export interface ProvisionStateRow {
  readonly kind: StateKind;
  readonly target: TargetProvisionState | null;
  readonly allows: readonly StateAllowance[];
  /** False where a difference between seen and stored power state is expected, so not to be mended. */
  readonly powerSync: boolean;
  readonly heartbeat: HeartbeatMeaning;
  readonly whenConductorDies: WhenConductorDies;
  readonly timeout: { readonly option: WaitTimeoutOption; readonly measuredFrom: WaitStart } | null;
  /** The first microversion (its minor) that shows the state; older ones see `shownBefore`, or the state itself. */
  readonly since: number;
  readonly shownBefore?: ProvisionState | null;
  /** Every event with a meaning here, and the state it leads to. */
  readonly on: Readonly<Partial<Record<ProvisionEvent, ProvisionState>>>;
}

/** The node's field from which its waiting is measured. */
export type WaitStart = 'provision_updated_at' | 'inspection_started_at';

// Three answers to a dead conductor. Ironic: conductor/base_manager.py (states failed at start),
// conductor/manager.py _check_orphan_nodes; Ingot: the operation is a row that anyone may read on.
const resumes: WhenConductorDies = { ironic: 'fail', ingot: 'resume' };
const waitsOn: WhenConductorDies = { ironic: 'wait', ingot: 'wait' };
const stays: WhenConductorDies = { ironic: 'stay', ingot: 'stay' };

/**
 * Every provision state. Transitions, kinds and sets: ironic common/states.py; heartbeats: drivers/modules/
 * agent_base.py; timeouts: conductor/manager.py; power sync: conductor/manager.py `_sync_power_states`
 * (all 2026.2). Versions: api/controllers/v1/versions.py.
 */
export const provisionStates = {
  // Getting known
  enroll: {
    kind: 'stable',
    target: null,
    allows: ['delete', 'fast track lookup'],
    powerSync: false,
    heartbeat: 'record in fast track',
    whenConductorDies: stays,
    timeout: null,
    since: 11,
    on: { manage: 'verifying' },
  },
  verifying: {
    kind: 'working',
    target: 'manageable',
    allows: ['update'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: resumes,
    timeout: null,
    since: 1,
    on: { done: 'manageable', fail: 'enroll' },
  },
  manageable: {
    kind: 'stable',
    target: null,
    allows: ['delete', 'fast track lookup'],
    powerSync: true,
    heartbeat: 'record in fast track',
    whenConductorDies: stays,
    timeout: null,
    since: 4,
    on: { provide: 'cleaning', clean: 'cleaning', inspect: 'inspecting', adopt: 'adopting' },
  },
  available: {
    kind: 'stable',
    target: null,
    allows: ['fast track lookup'],
    powerSync: true,
    heartbeat: 'record in fast track',
    whenConductorDies: stays,
    timeout: null,
    since: 2,
    shownBefore: null,
    on: { deploy: 'deploying', manage: 'manageable' },
  },
  active: {
    kind: 'stable',
    target: null,
    allows: [],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 1,
    on: { rebuild: 'deploying', delete: 'deleting', rescue: 'rescuing', service: 'servicing' },
  },
  error: {
    kind: 'stable',
    target: null,
    allows: ['update'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 1,
    on: { rebuild: 'deploying', delete: 'deleting' },
  },

  // Deploying and giving back
  deploying: {
    kind: 'working',
    target: 'active',
    allows: ['lookup'],
    powerSync: true,
    heartbeat: 'record',
    whenConductorDies: resumes,
    timeout: null,
    since: 1,
    on: { done: 'active', fail: 'deploy failed', wait: 'wait call-back', hold: 'deploy hold' },
  },
  'wait call-back': {
    kind: 'waiting',
    target: 'active',
    allows: ['lookup'],
    powerSync: false,
    heartbeat: 'continue deploy',
    whenConductorDies: waitsOn,
    timeout: { option: 'deploy_callback_timeout', measuredFrom: 'provision_updated_at' },
    since: 1,
    on: {
      resume: 'deploying',
      fail: 'deploy failed',
      hold: 'deploy hold',
      abort: 'deploy failed',
      delete: 'deleting',
    },
  },
  'deploy hold': {
    kind: 'held',
    target: 'active',
    allows: [],
    powerSync: true,
    heartbeat: 'record',
    whenConductorDies: stays,
    timeout: null,
    since: 85,
    on: { unhold: 'wait call-back', abort: 'deploy failed' },
  },
  'deploy failed': {
    kind: 'failed',
    target: 'active',
    allows: ['update'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 1,
    on: { rebuild: 'deploying', deploy: 'deploying', delete: 'deleting' },
  },
  deleting: {
    kind: 'working',
    target: 'available',
    allows: [],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: resumes,
    timeout: null,
    since: 1,
    on: { clean: 'cleaning', fail: 'error' },
  },

  // Cleaning
  cleaning: {
    kind: 'working',
    target: 'available',
    allows: ['lookup'],
    powerSync: true,
    heartbeat: 'record',
    whenConductorDies: resumes,
    timeout: null,
    since: 1,
    // done ends automated cleaning; manage ends manual cleaning, and automated cleaning of a retired node.
    on: {
      done: 'available',
      manage: 'manageable',
      fail: 'clean failed',
      wait: 'clean wait',
      hold: 'clean hold',
    },
  },
  'clean wait': {
    kind: 'waiting',
    target: 'available',
    allows: ['lookup'],
    powerSync: false,
    heartbeat: 'continue clean',
    whenConductorDies: waitsOn,
    timeout: { option: 'clean_callback_timeout', measuredFrom: 'provision_updated_at' },
    since: 1,
    on: { resume: 'cleaning', fail: 'clean failed', hold: 'clean hold', abort: 'clean failed' },
  },
  'clean hold': {
    kind: 'held',
    target: 'available',
    allows: [],
    powerSync: true,
    heartbeat: 'record',
    whenConductorDies: stays,
    timeout: null,
    since: 85,
    on: { unhold: 'clean wait', abort: 'clean failed' },
  },
  'clean failed': {
    kind: 'failed',
    target: 'available',
    allows: ['update'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 1,
    on: { manage: 'manageable' },
  },

  // Inspecting
  inspecting: {
    kind: 'working',
    target: 'manageable',
    allows: ['update', 'lookup'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: resumes,
    timeout: null,
    since: 6,
    on: { done: 'manageable', fail: 'inspect failed', wait: 'inspect wait' },
  },
  'inspect wait': {
    kind: 'waiting',
    target: 'manageable',
    allows: ['update', 'lookup'],
    powerSync: true,
    // The agent ends this wait by continue_inspection, not by a heartbeat.
    heartbeat: 'ignore',
    whenConductorDies: waitsOn,
    timeout: { option: 'inspect_wait_timeout', measuredFrom: 'inspection_started_at' },
    since: 39,
    shownBefore: 'inspecting',
    on: { resume: 'inspecting', done: 'manageable', fail: 'inspect failed', abort: 'inspect failed' },
  },
  'inspect failed': {
    kind: 'failed',
    target: 'manageable',
    allows: ['update'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 6,
    on: { manage: 'manageable', inspect: 'inspecting' },
  },

  // Adopting
  adopting: {
    kind: 'working',
    target: 'active',
    allows: [],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: resumes,
    timeout: null,
    since: 1,
    on: { done: 'active', fail: 'adopt failed' },
  },
  'adopt failed': {
    kind: 'failed',
    target: 'active',
    allows: ['update', 'delete'],
    powerSync: false,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 1,
    on: { adopt: 'adopting', manage: 'manageable' },
  },

  // Rescuing
  rescue: {
    kind: 'stable',
    target: null,
    allows: [],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 38,
    on: { rescue: 'rescuing', unrescue: 'unrescuing', delete: 'deleting' },
  },
  rescuing: {
    kind: 'working',
    target: 'rescue',
    allows: ['lookup'],
    powerSync: true,
    heartbeat: 'record',
    whenConductorDies: resumes,
    timeout: null,
    since: 1,
    on: { done: 'rescue', wait: 'rescue wait', fail: 'rescue failed' },
  },
  'rescue wait': {
    kind: 'waiting',
    target: 'rescue',
    allows: ['lookup'],
    powerSync: true,
    heartbeat: 'finish rescue',
    whenConductorDies: waitsOn,
    timeout: { option: 'rescue_callback_timeout', measuredFrom: 'provision_updated_at' },
    since: 1,
    on: { resume: 'rescuing', fail: 'rescue failed', abort: 'rescue failed', delete: 'deleting' },
  },
  'rescue failed': {
    kind: 'failed',
    target: 'rescue',
    allows: ['update'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 1,
    on: { rescue: 'rescuing', unrescue: 'unrescuing', delete: 'deleting' },
  },
  unrescuing: {
    kind: 'working',
    target: 'active',
    allows: [],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: resumes,
    timeout: null,
    since: 1,
    on: { done: 'active', fail: 'unrescue failed' },
  },
  'unrescue failed': {
    kind: 'failed',
    target: 'active',
    allows: ['update'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 1,
    on: { rescue: 'rescuing', unrescue: 'unrescuing', delete: 'deleting' },
  },

  // Servicing
  servicing: {
    kind: 'working',
    target: 'active',
    allows: ['fast track lookup'],
    powerSync: true,
    heartbeat: 'record',
    whenConductorDies: resumes,
    timeout: null,
    since: 87,
    on: { done: 'active', fail: 'service failed', wait: 'service wait', hold: 'service hold' },
  },
  'service wait': {
    kind: 'waiting',
    target: 'active',
    allows: ['lookup'],
    powerSync: true,
    heartbeat: 'continue service',
    whenConductorDies: waitsOn,
    timeout: { option: 'service_callback_timeout', measuredFrom: 'provision_updated_at' },
    since: 87,
    on: {
      resume: 'servicing',
      fail: 'service failed',
      hold: 'service hold',
      abort: 'service failed',
      delete: 'deleting',
    },
  },
  'service hold': {
    kind: 'held',
    target: 'active',
    allows: ['update', 'fast track lookup'],
    powerSync: true,
    heartbeat: 'record',
    whenConductorDies: stays,
    timeout: null,
    since: 87,
    on: { service: 'servicing', unhold: 'service wait', fail: 'service failed', abort: 'service failed' },
  },
  'service failed': {
    kind: 'failed',
    target: 'active',
    allows: ['update'],
    powerSync: true,
    heartbeat: 'ignore',
    whenConductorDies: stays,
    timeout: null,
    since: 87,
    on: {
      service: 'servicing',
      rescue: 'rescuing',
      wait: 'service wait',
      hold: 'service hold',
      delete: 'deleting',
      abort: 'active',
    },
  },
} as const satisfies Record<ProvisionState, ProvisionStateRow>;

/** The row of a state. */
export function stateRow(state: ProvisionState): ProvisionStateRow {
  return provisionStates[state];
}

/** Every state, in the table's order. */
// The keys of the table are its states: `satisfies` admits no others.
export const allProvisionStates = Object.keys(provisionStates) as readonly ProvisionState[];

export function isProvisionState(text: unknown): text is ProvisionState {
  return typeof text === 'string' && Object.hasOwn(provisionStates, text);
}

/** One arrow of the machine. `targetAfter` is `target_provision_state` after it, unless a flow sets its own. */
export interface ProvisionTransition {
  readonly from: ProvisionState;
  readonly event: ProvisionEvent;
  readonly to: ProvisionState;
  readonly targetAfter: TargetProvisionState | null;
}

/** Every transition, read off the rows. */
export const provisionTransitions: readonly ProvisionTransition[] = allProvisionStates.flatMap((from) =>
  // Object.entries forgets the keys' type; they are the events the row's type admits.
  (Object.entries(stateRow(from).on) as [ProvisionEvent, ProvisionState][]).map(([event, to]) => ({
    from,
    event,
    to,
    targetAfter: stateRow(to).target,
  })),
);

/** Where an event leads from a state, or undefined where it has no meaning. */
export function nextState(from: ProvisionState, event: ProvisionEvent): ProvisionState | undefined {
  return stateRow(from).on[event];
}

/** Whether nothing is under way: only the operator moves the node on (`target_provision_state` is null). */
export function isStable(state: ProvisionState): boolean {
  return stateRow(state).kind === 'stable';
}

/** Whether a conductor is at work on the node. */
export function isWorking(state: ProvisionState): boolean {
  return stateRow(state).kind === 'working';
}

/** Whether the node waits for its agent, or for something a poll will see. */
export function isWaiting(state: ProvisionState): boolean {
  return stateRow(state).kind === 'waiting';
}

/** Whether the last flow failed and the operator has to say what now. */
export function isFailed(state: ProvisionState): boolean {
  return stateRow(state).kind === 'failed';
}

/** Whether PATCH is accepted. A node without a target may always be updated (api/controllers/v1/node.py). */
export function isUpdateAllowed(state: ProvisionState, target: string | null): boolean {
  return target === null || stateRow(state).allows.includes('update');
}

/** Whether DELETE is accepted outside maintenance; `available` only by `[conductor]allow_deleting_available_nodes`. */
export function isDeleteAllowed(state: ProvisionState, options: { allowAvailable: boolean }): boolean {
  return stateRow(state).allows.includes('delete') || (options.allowAvailable && state === 'available');
}

/** Whether an agent may look the node up, restricted lookup being on (`[api]restrict_lookup`). */
export function isLookupAllowed(state: ProvisionState, options: { fastTrack: boolean }): boolean {
  const { allows } = stateRow(state);
  // Fast track knows every state of the ordinary list, and some more.
  return allows.includes('lookup') || (options.fastTrack && allows.includes('fast track lookup'));
}

/** How a state is shown to a client of an older microversion. */
export function stateAsShown(state: ProvisionState | null, minor: number): ProvisionState | null {
  if (state === null) return null;
  const { since, shownBefore } = stateRow(state);
  return minor < since && shownBefore !== undefined ? shownBefore : state;
}

/** The state a new node begins in, by the microversion of the request that creates it. */
export function initialState(minor: number): ProvisionState {
  return minor < 11 ? 'available' : 'enroll';
}

/** Where a node's driver interfaces and resource class may be changed outside maintenance. */
export const interfaceChangeStates: readonly ProvisionState[] = [
  'enroll',
  'inspecting',
  'inspect wait',
  'manageable',
  'available',
];

/** Where a port's place on the network may be changed outside maintenance. */
export const portChangeStates: readonly ProvisionState[] = [
  'enroll',
  'inspecting',
  'inspect wait',
  'manageable',
];
