import type { Settings } from '#config/settings.ts';
import type { Driver } from '#drivers/define.ts';
import type { StepDefinition, StepOutcome } from '#drivers/steps.ts';
import type { StepFlow, StepTask, Task } from '#drivers/task.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { interfaceTypes } from '#model/power-states.ts';
import type { OperationInput, OperationKind, OperationRecord, OperationStep } from '#protocol/operation.ts';
import type { NodeCommit } from '../lock/node-commit.ts';
import type { ConductorParts } from '../parts.ts';

/** What a plan is made from. */
export interface PlanContext {
  readonly node: NodeRecord;
  readonly driver: Driver;
  readonly settings: Settings;
  readonly input: OperationInput;
}

/** What a flow's own step has besides its task. */
export interface FlowRun extends PlanContext {
  readonly parts: ConductorParts;
}

/** A step of the flow or of the engine may wait for an operator, and have more to write with its outcome. */
export type OwnStepOutcome = (StepOutcome | { kind: 'wait'; for: 'hold'; changes?: never }) &
  Pick<NodeCommit, 'also' | 'columns' | 'history'>;

/** What is at hand when all steps are done. */
export interface FlowFinish {
  readonly operation: OperationRecord;
  readonly node: NodeRecord;
  readonly settings: Settings;
  /** The time, as the wire writes it. */
  readonly now: string;
}

/** What the last commit of an operation contains, and what follows on the same lock. */
export interface FlowEnd extends Pick<NodeCommit, 'raise' | 'columns' | 'history' | 'also' | 'tell'> {
  /** Begins in the same commit, so that the node is never free in between. */
  next?: { kind: OperationKind; input: OperationInput };
}

/** What is at hand when an operation failed or was aborted. */
export interface FlowFailure {
  readonly operation: OperationRecord;
  readonly node: NodeRecord;
  readonly error: string;
  /** What was begun could not be undone. */
  readonly isLeftUndone: boolean;
}

/** Whether a step of the driver or the agent had begun, rather than what comes before or after them all. */
export function stepRan({ steps, cursor }: OperationRecord): boolean {
  return cursor < steps.length && steps[cursor]?.origin !== 'flow';
}

/** One kind of operation: its plan, its own steps, and how it ends. The engine in run-steps.ts does the rest. */
export interface Flow {
  readonly kind: OperationKind;
  /** The driver's and agent's steps that may take part; null for none. */
  readonly stepFlow: StepFlow | null;
  /** The node's field that shows the running step. */
  readonly stepField: 'clean_step' | 'deploy_step' | 'service_step' | null;
  plan(context: PlanContext): OperationStep[];
  /** Steps of origin `flow`, by name. Like every step they may run again at any time. */
  readonly own: Readonly<Record<string, (task: StepTask, run: FlowRun) => Promise<OwnStepOutcome>>>;
  /**
   * What is left to run when the agent turned out to be another than the one that offered its steps. Absent, or
   * undefined: the step that it would not begin and all after it.
   */
  planAnew?(operation: OperationRecord): OperationStep[] | undefined;
  finish(end: FlowFinish): FlowEnd;
  /** The transition is `fail`, which is written as `abort` where an abort was asked for and the state has one. */
  fail(failure: FlowFailure): FlowEnd;
  /** After the error is committed and before `fail` is: undoes what was begun. May be repeated. */
  cleanUp?(task: Task, operation: OperationRecord): Promise<void>;
}

/** A step of the flow's own, as it stands in a plan. */
export function flowStep(step: string, abortable = false): OperationStep {
  return { interface: 'flow', step, args: {}, priority: 0, abortable, origin: 'flow' };
}

/** The same step of the same interface. */
export function isSameStep(
  a: { interface: string; step: string },
  b: { interface: string; step: string },
): boolean {
  return a.interface === b.interface && a.step === b.step;
}

/**
 * Which interface's step goes first when two have the same priority: the higher.
 * Source: rpc-and-conductor `steps.interface_priority` (ironic conductor/steps.py, 2026.2).
 */
const interfacePriority: Readonly<Record<StepFlow, Readonly<Record<string, number>>>> = {
  clean: { vendor: 7, power: 6, management: 5, firmware: 4, deploy: 3, bios: 2, raid: 1 },
  deploy: { vendor: 7, power: 6, management: 5, firmware: 4, deploy: 3, bios: 2, raid: 1 },
  service: { network: 8, vendor: 7, power: 6, management: 5, firmware: 4, deploy: 3, bios: 2, raid: 1 },
  verify: {
    power: 13,
    management: 12,
    firmware: 11,
    inspect: 10,
    deploy: 9,
    boot: 8,
    bios: 7,
    raid: 6,
    vendor: 5,
    network: 4,
    storage: 3,
    console: 2,
    rescue: 1,
  },
  inspect: {},
  rescue: {},
};

/** Steps by falling priority, then by their interface's. */
export function sortSteps(flow: StepFlow, steps: readonly OperationStep[]): OperationStep[] {
  const rank = interfacePriority[flow];
  return steps.toSorted(
    (a, b) => b.priority - a.priority || (rank[b.interface] ?? 0) - (rank[a.interface] ?? 0),
  );
}

/** The step that an interface of this driver defines, or undefined. */
export function findStep(
  driver: Driver,
  flow: StepFlow,
  wanted: { interface: string; step: string },
): StepDefinition | undefined {
  const type = interfaceTypes.find((one) => one === wanted.interface);
  return type && driver[type].steps?.find((one) => one.step === wanted.step && flow in one.flows);
}

/** The driver's steps of a flow with their own priorities, those of priority 0 too. */
export function driverSteps(driver: Driver, flow: StepFlow): OperationStep[] {
  return interfaceTypes.flatMap((type) =>
    (driver[type].steps ?? []).flatMap((definition): OperationStep[] => {
      const priority = definition.flows[flow];
      if (priority === undefined) return [];
      return [
        {
          interface: type,
          step: definition.step,
          args: {},
          priority,
          abortable: definition.abortable ?? false,
          origin: 'driver',
        },
      ];
    }),
  );
}

/** Steps of priority above 0, by an option's overrides (`interface.step:priority`) or their own. */
export function enabledSteps(
  steps: readonly OperationStep[],
  overrides: Readonly<Record<string, number>>,
): OperationStep[] {
  return steps
    .map((step) => ({ ...step, priority: overrides[`${step.interface}.${step.step}`] ?? step.priority }))
    .filter((step) => step.priority > 0);
}
