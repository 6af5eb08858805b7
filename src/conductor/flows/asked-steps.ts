// Steps that a request names: what they turn out to be, and whether they may be run at all.
import type { Driver } from '#drivers/define.ts';
import type { OfferedStep, StepArgument } from '#drivers/steps.ts';
import type { StepFlow } from '#drivers/task.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import type { AskedStep, OperationStep } from '#protocol/operation.ts';
import { reservedStep, secondsOf } from '../steps/reserved-steps.ts';
import { findStep, isSameStep, type PlanContext } from './flow.ts';

/**
 * The steps that a request names, in its order, with what is known of each; those that nobody knows are the agent's.
 * Throws InvalidParameterValue for arguments that a step does not take or lacks, and for what neither this node nor
 * child nodes can be asked.
 */
export function askedSteps(
  { node, driver, input }: Pick<PlanContext, 'node' | 'driver' | 'input'>,
  flow: StepFlow,
): OperationStep[] {
  return (input.steps ?? []).map((step) => {
    const reserved = reservedStep(step.step);
    const definition = findStep(driver, flow, step);
    if (step.onChildren && reserved?.onChildren === false)
      throw new InvalidParameterValue(`The step ${nameOf(step)} cannot be run on child nodes`);
    if (!step.onChildren && reserved && step.step === 'power_off' && node.disable_power_off)
      throw new InvalidParameterValue(
        `The step ${nameOf(step)} cannot be run: disable_power_off is set on node ${node.uuid}`,
      );
    // What a child's driver takes is the child's.
    const known = reserved ?? (step.onChildren ? undefined : definition);
    if (known && step.priority !== 0) checkArguments(step, known.args ?? {});
    if (step.step === 'wait' && step.args?.['seconds'] !== undefined) secondsOf(step.args['seconds']);
    return {
      interface: step.interface,
      step: step.step,
      args: step.args ?? {},
      priority: step.priority ?? definition?.flows[flow] ?? 0,
      abortable: known?.abortable ?? false,
      ...(step.onChildren
        ? { origin: 'children', onChildren: step.onChildren }
        : { origin: reserved ? 'reserved' : definition ? 'driver' : 'agent' }),
    };
  });
}

/** Whether the agent must run for these steps: reserved ones and children's can do without. */
export function needRamdisk(driver: Driver, flow: StepFlow, steps: readonly OperationStep[]): boolean {
  return steps.some(
    (step) =>
      step.origin === 'agent' ||
      (step.origin === 'driver' && findStep(driver, flow, step)?.requiresRamdisk !== false),
  );
}

/** Throws InvalidParameterValue naming the first step that cannot be run without the agent. */
export function checkRunWithoutRamdisk(
  driver: Driver,
  flow: StepFlow,
  steps: readonly OperationStep[],
): void {
  const refused = steps.find((step) => needRamdisk(driver, flow, [step]));
  if (!refused) return;
  throw new InvalidParameterValue(
    refused.origin === 'agent'
      ? `The driver has no ${flow} step ${nameOf(refused)}, and with disable_ramdisk no agent is asked`
      : `The ${flow} step ${nameOf(refused)} needs the agent, which disable_ramdisk leaves out`,
  );
}

/**
 * Steps asked for by name, with what the agent says of those that are its own. Throws InvalidParameterValue for one
 * that nobody has, and for arguments that the agent's does not take or lacks.
 */
export function withAgentSteps(
  flow: StepFlow,
  asked: readonly OperationStep[],
  offered: readonly OfferedStep[],
): OperationStep[] {
  return asked.map((step) => {
    if (step.origin !== 'agent') return step;
    const known = offered.find((one) => isSameStep(one, step));
    if (!known)
      throw new InvalidParameterValue(
        `Neither the driver nor the agent has the ${flow} step ${nameOf(step)}`,
      );
    checkArguments(step, known.takes);
    return { ...plannedOf(known), args: step.args };
  });
}

/** As it stands in a plan. */
export function plannedOf({ takes: _takes, ...step }: OfferedStep): OperationStep {
  return step;
}

function checkArguments(step: AskedStep, known: Readonly<Record<string, StepArgument>>): void {
  const given = step.args ?? {};
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(known, name));
  if (unknown.length > 0)
    throw new InvalidParameterValue(
      `The step ${nameOf(step)} has these unexpected arguments: ${unknown.join(', ')}`,
    );
  const missing = Object.keys(known).filter((name) => known[name]?.required && given[name] === undefined);
  if (missing.length > 0)
    throw new InvalidParameterValue(
      `The step ${nameOf(step)} lacks the required arguments: ${missing.join(', ')}`,
    );
}

function nameOf(step: { interface: string; step: string }): string {
  return `${step.interface}.${step.step}`;
}
