// Steps that the engine itself puts into a plan, of whatever flow.
import { InvalidState } from '#model/faults.ts';
import { done } from '#drivers/steps.ts';
import type { OperationRecord, OperationStep } from '#protocol/operation.ts';
import { type Flow, flowStep } from '../flows/flow.ts';
import type { Run } from '../operations/run.ts';

/** Each by name. As every step it may run again at any time. */
export const engineSteps: Flow['own'] = {
  reboot_agent: async (task) => (await task.driver.deploy.rebootAgent?.(task)) ?? done,
  /** From then on the agent takes its steps again: what it says of itself is saved, to be sent with each. */
  ask_agent_anew: async (task) => {
    await task.driver.deploy.agentSteps?.(task, task.flow);
    return done;
  },
};

/** The machine is rebooted into the agent. `notes`: those of the step that comes next because it is repeated. */
export function rebootStep(notes: Readonly<Record<string, unknown>>): OperationStep {
  // Without its notes a repeated step would begin again and reboot without end.
  return { ...flowStep('reboot_agent'), args: { notes } };
}

/** What the step after this one finds noted. */
export function notesFor({ args, origin, step }: OperationStep): Record<string, unknown> {
  const isReboot = origin === 'flow' && step === 'reboot_agent';
  // Written by `rebootStep` alone.
  return (isReboot && (args['notes'] as Record<string, unknown> | undefined)) || {};
}

/** An agent that begins anew more often than this, each time as another, will do so for ever. */
const mostPlans = 4;
const plans: readonly string[] = ['collect_agent_steps', 'ask_agent_anew'];

/**
 * What is left to run when the agent is not the one any more that offered the step at hand: it began anew, with other
 * hardware managers. Throws InvalidState when that never ends.
 */
export function stepsAnew(
  { flow, operation }: { flow: Run['flow']; operation: OperationRecord },
  step: OperationStep,
): OperationStep[] {
  const behind = operation.steps.slice(0, operation.cursor);
  const count = behind.filter((one) => one.origin === 'flow' && plans.includes(one.step)).length;
  if (count >= mostPlans)
    throw new InvalidState(
      `The agent has other hardware managers than those that listed the step ${step.interface}.${step.step}, for the ${count}th time`,
    );
  const after = operation.steps.slice(operation.cursor + 1);
  return flow.planAnew?.(operation) ?? [flowStep('ask_agent_anew'), step, ...after];
}
