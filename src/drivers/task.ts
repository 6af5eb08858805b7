import type { Settings } from '#config/settings.ts';
import type { Clock } from '#model/clock.ts';
import type { Log } from '#model/log.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { PortRecord } from '#model/port-record.ts';
import type { PowerTarget } from '#model/power-states.ts';
import type { OperationStep } from '#protocol/operation.ts';
import type { AgentExchange } from './agent-exchange.ts';
import type { Driver } from './define.ts';

export type { Log };

/**
 * What a driver may change on its node. Members of `driver_internal_info` are merged into what is
 * stored: null takes a member away, others stay. Everything else replaces.
 */
export interface NodeChanges {
  driver_internal_info?: Record<string, unknown>;
  instance_info?: Record<string, unknown>;
  properties?: Record<string, unknown>;
  power_state?: string | null;
  boot_mode?: string | null;
  secure_boot?: boolean | null;
  raid_config?: Record<string, unknown>;
}

/**
 * A node in the hands of a driver. Reading is free; `save` is one commit that is refused when the lock was
 * lost, in which case the driver must do nothing further.
 */
export interface Task {
  /** As of the last `save` or the beginning of the call. */
  readonly node: NodeRecord;
  readonly ports: readonly PortRecord[];
  readonly settings: Settings;
  readonly clock: Clock;
  /**
   * Aborted when the conductor stops or may not act any more: every wait and every request takes it. It looks at the
   * clock itself when it is asked, which one made of it by AbortSignal.any does not: ask this one before each request
   * that changes something.
   */
  readonly signal: AbortSignal;
  /** Its lines say the node, and the operation and the request where there are any. */
  readonly log: Log;
  /** How the agent on the machine is reached. Absent: over HTTP. */
  readonly agentExchange?: AgentExchange;
  /** The node's other interfaces. For power use `setPower`, which keeps the node's record true. */
  readonly driver: Driver;
  /** Ensures that the changes are on the disk when it resolves. May be repeated. */
  save(changes: NodeChanges): Promise<void>;
  /**
   * Ensures that the machine reached the target, by the node's power interface, and that the node's record says
   * so. Does nothing when the BMC says that it is already on, or off, as asked. Whenever the machine goes off or
   * reboots, what was known of the agent that ran on it is forgotten (agent_url, agent_last_heartbeat and tokens
   * that were not made in advance). On a node with `disable_power_off`, off is refused: throws InvalidState.
   */
  setPower(target: PowerTarget, options?: { timeoutSeconds?: number }): Promise<void>;
}

/** A task for a look at the machine: nobody reads the node's ports for it. */
export type LookingTask = Omit<Task, 'ports'>;

/** A task that runs a step of an operation. */
export interface StepTask extends Task {
  readonly operationId: string;
  readonly flow: StepFlow;
  /** 1 when the step begins; more when it was begun before: then read back what happened before acting. */
  readonly attempt: number;
  /** What this step noted earlier; empty at its beginning. */
  readonly memo: Readonly<Record<string, unknown>>;
  /** Ensures that the notes are on the disk when it resolves, and are there when the step runs again. */
  note(memo: Record<string, unknown>): Promise<void>;
  /** What is planned after this step. */
  readonly remainingSteps: readonly OperationStep[];
  /** When the agent on the machine was last heard of, in milliseconds since the epoch; null if never in this boot. */
  readonly agentHeardAt: number | null;
}

/** The flows that have steps of drivers and agents. */
export type StepFlow = 'verify' | 'inspect' | 'clean' | 'deploy' | 'service' | 'rescue';
