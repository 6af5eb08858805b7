// Long work on a node, as it is stored, told and resumed.

export type OperationKind =
  | 'verify'
  | 'inspect'
  | 'clean'
  | 'deploy'
  | 'tear down'
  | 'adopt'
  | 'rescue'
  | 'unrescue'
  | 'service'
  | 'power';

/**
 * `running`: a conductor is at it, or will be as soon as it takes over. `waiting`: for what `wait` says.
 * `failing`: the error is known and committed; what was begun is being cleaned up.
 */
export type OperationState = 'running' | 'waiting' | 'failing' | 'done' | 'failed' | 'aborted';

/**
 * What a waiting operation waits for; the deadline is the timeout of the node's wait state. `since`: when the step
 * first waited so, whatever looks it took meanwhile.
 */
export type Wait =
  /**
   * A sign of life of the agent on the machine, or the time given if that is earlier; then the step runs again
   * and reads back how far it came.
   */
  | { for: 'agent'; at?: string; since?: string }
  /** The time given; then the step runs again. */
  | { for: 'poll'; at: string; since?: string }
  /** An operator's `unhold`. */
  | { for: 'hold' }
  /** A place among those that may be at work at a time ([conductor]max_concurrent_deploy and its like). */
  | { for: 'turn'; limit: ConcurrencyLimit }
  /** The time given, to try again what failed for this reason; and so often more if that fails too. */
  | { for: 'retry'; at: string; reason: string; left?: number };

/** What is limited over all conductors. */
export type ConcurrencyLimit = 'deploy' | 'clean';

/**
 * Who carries a step out: the flow itself, an interface of the driver, the agent on the machine, the engine where the
 * name means the same in every flow, or the child nodes.
 */
export type StepOrigin = 'flow' | 'driver' | 'agent' | 'reserved' | 'children';

export interface OperationStep {
  interface: string;
  step: string;
  args: Record<string, unknown>;
  priority: number;
  abortable: boolean;
  origin: StepOrigin;
  /** With the origin `children`: the UUIDs of those meant; empty for all. */
  onChildren?: readonly string[];
}

/** A step as a caller asks for it. */
export interface AskedStep {
  interface: string;
  step: string;
  args?: Record<string, unknown>;
  priority?: number;
  /** The node's children carry it out, not the node: those of these UUIDs, or all where there are none. */
  onChildren?: readonly string[];
}

/** What the caller asked for, kept so that whoever resumes the operation knows it too. */
export interface OperationInput {
  rebuild?: boolean;
  /** Steps given by the caller: cleaning by hand, service, or on top of a deployment's own. */
  steps?: AskedStep[];
  /** The steps run without booting the agent. */
  disableRamdisk?: boolean;
  /** Cleaning asked for by name rather than on the way to `available`. */
  manual?: boolean;
  /** Only undoes what an operation before it left, which failed or was aborted: the provision state is final already. */
  leaves?: boolean;
  powerTarget?: string;
  powerTimeoutSeconds?: number;
  /** The W3C trace context in which it was asked for, so that whoever goes on with it stays in the same trace. */
  traceparent?: string;
}

/** What a retry policy can name. */
export const faultClasses = [
  'bmc-unreachable',
  'bmc-error',
  'bmc-refused',
  'agent-unreachable',
  'agent-timeout',
  'agent-error',
  'image-fetch',
  'image-checksum',
  'boot-timeout',
  'step-timeout',
] as const;

export type FaultClass = (typeof faultClasses)[number];

export interface OperationRecord {
  id: string;
  node_id: number;
  node_uuid: string;
  kind: OperationKind;
  state: OperationState;
  input: OperationInput;
  steps: OperationStep[];
  /** Index of the step that runs or waits; equal to the number of steps when all are done. */
  cursor: number;
  /** How often the step at the cursor was begun; more than one means that it must read back first. */
  attempt: number;
  /** What the step at the cursor noted for its next run. */
  memo: Record<string, unknown>;
  /** What it waits for; while it runs, what it waited for when only the time has made it look again. */
  wait: Wait | null;
  /** An abort was asked for while a step ran that cannot be aborted; it takes effect when the step ends. */
  abort_requested: boolean;
  error: string | null;
  /** The kind of failure that `error` tells of; null for one that no retry policy has a name for. */
  fault: FaultClass | null;
  /** How often all of it was begun anew after a failure. */
  retries: number;
  /** The queue in which it waits for its turn, and its round there; null while it does not. */
  queue: ConcurrencyLimit | null;
  round: number | null;
  /** A step that must not be repeated was begun, and how it ended is not committed. */
  once_begun: boolean;
  /** The conductor that runs it, and the epoch of the node lock it runs under. */
  owner: string;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
}
