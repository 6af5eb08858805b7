import type { OperationStep } from '#protocol/operation.ts';
import type { NodeChanges, StepFlow, StepTask } from './task.ts';

/**
 * How a step ended its run. Throwing fails the operation with the error's message. Whatever a step did is
 * committed with its outcome before anybody is told.
 */
export type StepOutcome =
  | { kind: 'done'; changes?: NodeChanges; remaining?: OperationStep[] }
  /** Runs again when the agent is next heard of, and every `pollSeconds` too, so that a dead agent is noticed. */
  | { kind: 'wait'; for: 'agent'; pollSeconds?: number; changes?: NodeChanges }
  /** Runs again after the time given. */
  | { kind: 'wait'; for: 'poll'; afterSeconds: number; changes?: NodeChanges }
  /**
   * The machine is rebooted into the agent; when it is heard of, the step runs again or counts as done. `notes`: what
   * it then finds noted besides, which so says that the reboot has been.
   */
  | {
      kind: 'wait';
      for: 'reboot';
      thenRepeatStep: boolean;
      notes?: Readonly<Record<string, unknown>>;
      changes?: NodeChanges;
    }
  /** Nothing was begun: the agent is not the one any more that offered the step, and is to be asked what it has. */
  | { kind: 'outdated'; changes?: NodeChanges };

export const done: StepOutcome = { kind: 'done' };
export const waitForAgent: StepOutcome = { kind: 'wait', for: 'agent' };

export interface StepArgument {
  description: string;
  required: boolean;
}

/** A step that an agent offers. */
export interface OfferedStep extends OperationStep {
  /** The arguments that it takes. */
  readonly takes: Readonly<Record<string, StepArgument>>;
}

/**
 * A step that an interface offers. `run` makes progress and may be called again at any time: after a wait,
 * and after the death of the conductor that ran it. It begins by reading back what is already so.
 */
export interface StepDefinition {
  /** Flows that may run it, with its priority there; 0 means only when asked for by name. */
  readonly flows: Partial<Record<StepFlow, number>>;
  readonly step: string;
  readonly args?: Readonly<Record<string, StepArgument>>;
  /** An abort takes effect while it waits. Default false. */
  readonly abortable?: boolean;
  /** Default true. False: runs through the BMC alone. */
  readonly requiresRamdisk?: boolean;
  /** Default true. False: when it was begun and its end is not known, the operation fails rather than doing it twice. */
  readonly mayRepeat?: boolean;
  run(task: StepTask, args: Readonly<Record<string, unknown>>): Promise<StepOutcome>;
}

/** Checks a step's shape at compile time and gives it back; the place where a driver author begins. */
export function defineStep(step: StepDefinition): StepDefinition {
  return step;
}
