import type { StepOutcome } from '#drivers/steps.ts';
import type { StepTask } from '#drivers/task.ts';
import type { OperationRecord, OperationStep } from '#protocol/operation.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import { askedSteps, plannedOf, withAgentSteps } from './asked-steps.ts';
import { driverSteps, type Flow, flowStep, isSameStep, type PlanContext, sortSteps } from './flow.ts';

/**
 * Ensures: the image and the config drive are on the root disk, verified, and the machine boots them.
 * When: `active` and `rebuild`. Not its business: erasing what was there before (clean).
 */
export const deploy: Flow = {
  kind: 'deploy',
  stepFlow: 'deploy',
  stepField: 'deploy_step',
  plan: (context) => [flowStep('prepare'), ...planSteps(context)],
  own: {
    async prepare(task) {
      await task.driver.power.validate(task);
      await task.driver.deploy.validate(task);
      return await task.driver.deploy.prepare(task);
    },
    collect_agent_steps: collectAgentSteps,
  },
  finish: () => ({
    raise: ['done'],
    columns: { last_error: null },
    history: { severity: 'INFO', type: 'deployment_end', event: 'Deployment ended: the instance is running' },
  }),
  fail: ({ operation, error }) => ({
    raise: ['fail'],
    columns: { last_error: error },
    ...(isGivenUp(operation) ? { next: { kind: 'tear down', input: { leaves: true } } } : {}),
    history: { severity: 'ERROR', type: 'deploying', event: error },
  }),
  async cleanUp(task, operation) {
    // Whoever stops it means to look, or to try again: what it had is left to it (ironic conductor/manager.py, 2026.2).
    if (operation.abort_requested && !isGivenUp(operation)) return;
    if (task.settings.deploy.power_off_after_deploy_failure && !task.node.disable_power_off) {
      await task.setPower('power off');
    }
    await task.driver.boot.cleanUpRamdisk(task);
  },
};

/** A deployment that is aborted while held is not to be tried again: all of it goes (ironic conductor/manager.py). */
const isGivenUp = ({ abort_requested: isAborted, steps, cursor }: OperationRecord): boolean =>
  isAborted && steps[cursor]?.origin === 'reserved' && steps[cursor].step === 'hold';

/** The driver's steps and those asked for; where both name one, what was asked for wins, and priority 0 removes it. */
function planSteps(context: PlanContext): OperationStep[] {
  const { driver } = context;
  const asked = askedSteps(context, 'deploy');
  checkDeploySteps(asked);
  const steps = [
    ...driverSteps(driver, 'deploy').filter((step) => !asked.some((one) => isSameStep(one, step))),
    ...asked,
  ].filter((step) => step.priority > 0);
  const sorted = sortSteps('deploy', steps);
  if (!driver.deploy.agentSteps) return sorted;
  // The agent is there once the core step has booted it; only then does one know what it offers.
  return sorted.flatMap((step) => (isCore(step) ? [step, flowStep('collect_agent_steps')] : [step]));
}

/** Throws InvalidParameterValue for a step named twice, unless reserved, and for the core step in another place. */
function checkDeploySteps(asked: readonly OperationStep[]): void {
  const names = asked.flatMap((step) => (step.origin === 'reserved' ? [] : `${step.interface}.${step.step}`));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new InvalidParameterValue(`The deploy step ${twice} is named more than once`);
  if (asked.some((step) => isCore(step) && step.priority > 0))
    throw new InvalidParameterValue(
      'The deploy step deploy.deploy cannot be moved; with the priority 0 it is left out',
    );
}

const isCore = (step: OperationStep): boolean => step.interface === 'deploy' && step.step === 'deploy';

/** Merges the agent's steps of priority above 0 into what is left of the plan. */
async function collectAgentSteps(task: StepTask, context: PlanContext): Promise<StepOutcome> {
  const offered = (await task.driver.deploy.agentSteps?.(task, 'deploy')) ?? [];
  const asked = askedSteps(context, 'deploy');
  const agents = offered
    .filter((step) => step.priority > 0 && !asked.some((one) => isSameStep(one, step)))
    .map(plannedOf);
  const planned = withAgentSteps('deploy', task.remainingSteps, offered);
  return { kind: 'done', remaining: sortSteps('deploy', [...planned, ...agents]) };
}
