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

/** What a waiting operation waits for; the deadline is the timeout of the node's wait state. */
export type Wait =
  /**
   * A sign of life of the agent on the machine, or the time given if that is earlier; then the step runs again
   * and reads back how far it came.
   */
  | { for: 'agent'; at?: string }
  /** The time given; then the step runs again. */
  | { for: 'poll'; at: string }
  /** An operator's `unhold`. */
  | { for: 'hold' }
  /** A place among those that may be at work at a time ([conductor]max_concurrent_deploy and its like). */
  | { for: 'turn'; limit: ConcurrencyLimit }
  /** The time given, to try again what failed for this reason. */
  | { for: 'retry'; at: string; reason: string };

/** What is limited over all conductors. */
export type ConcurrencyLimit = 'deploy' | 'clean';

/** Who carries a step out: the flow itself, an interface of the driver, or the agent on the machine. */
export type StepOrigin = 'flow' | 'driver' | 'agent';

export interface OperationStep {
  interface: string;
  step: string;
  args: Record<string, unknown>;
  priority: number;
  abortable: boolean;
  origin: StepOrigin;
}

/** What the caller asked for, kept so that whoever resumes the operation knows it too. */
export interface OperationInput {
  rebuild?: boolean;
  /** Steps given by the caller: cleaning by hand, service, or on top of a deployment's own. */
  steps?: { interface: string; step: string; args?: Record<string, unknown>; priority?: number }[];
  /** The steps run without booting the agent. */
  disableRamdisk?: boolean;
  /** Cleaning asked for by name rather than on the way to `available`. */
  manual?: boolean;
  powerTarget?: string;
  powerTimeoutSeconds?: number;
}

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
  /** The conductor that runs it, and the epoch of the node lock it runs under. */
  owner: string;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
}
