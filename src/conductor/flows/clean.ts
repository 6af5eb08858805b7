import type { StepOutcome } from '#drivers/steps.ts';
import type { StepTask } from '#drivers/task.ts';
import type { OperationRecord, OperationStep } from '#protocol/operation.ts';
import { askedSteps, checkRunWithoutRamdisk, needRamdisk, plannedOf, withAgentSteps } from './asked-steps.ts';
import {
  driverSteps,
  enabledSteps,
  type Flow,
  flowStep,
  type PlanContext,
  sortSteps,
  stepRan,
} from './flow.ts';

/**
 * Ensures: the machine is as its next user may find it: disks erased by every enabled step, in order of priority.
 * When: `provide` and after tear down (automated), or `clean` with the steps named. Not its business: inspection.
 */
export const clean: Flow = {
  kind: 'clean',
  stepFlow: 'clean',
  stepField: 'clean_step',
  plan(context) {
    const { driver, input } = context;
    const steps = cleanSteps(context);
    if (input.disableRamdisk) checkRunWithoutRamdisk(driver, 'clean', steps);
    if (input.manual && !needRamdisk(driver, 'clean', steps)) return steps;
    return [flowStep('prepare_cleaning', true), ...withAgent()];
  },
  // Steps by hand are not for doing all over (ironic drivers/modules/agent_base.py, 2026.2).
  planAnew: ({ input }) => (input.manual ? undefined : withAgent()),
  own: {
    async prepare_cleaning(task) {
      await task.driver.power.validate(task);
      return await task.driver.deploy.prepareAgent(task);
    },
    collect_agent_steps: collectAgentSteps,
    async tear_down_cleaning(task) {
      return await task.driver.deploy.tearDownAgent(task);
    },
  },
  finish: ({ operation, node }) => ({
    raise: [operation.input.manual || node.retired ? 'manage' : 'done'],
    columns: { last_error: null, ...(node.fault === 'clean failure' ? outOfMaintenance : {}) },
    history: { severity: 'INFO', ...endOf(operation), event: 'Cleaning ended' },
  }),
  fail: ({ operation, error }) => ({
    raise: ['fail'],
    columns: {
      last_error: error,
      // A machine half cleaned is nobody's to use before somebody looked (ironic conductor/cleaning.py).
      ...(stepRan(operation) && !operation.abort_requested
        ? { maintenance: true, maintenance_reason: error, fault: 'clean failure' as const }
        : {}),
    },
    history: { severity: 'ERROR', ...endOf(operation), event: error },
  }),
  async cleanUp(task, operation) {
    // In the middle of a step the machine is left as it is, for whoever looks at it (ironic conductor/utils.py).
    const isToBeSeen = stepRan(operation) && !operation.abort_requested;
    const goesOff = !isToBeSeen || task.settings.conductor.poweroff_in_cleanfail;
    if (goesOff && !task.node.disable_power_off) await task.setPower('power off');
    await task.driver.boot.cleanUpRamdisk(task);
  },
};

/** What follows once the agent is there; the steps come in between. */
const withAgent = (): OperationStep[] => [flowStep('collect_agent_steps'), flowStep('tear_down_cleaning')];

const outOfMaintenance = { maintenance: false, maintenance_reason: null, fault: null };

const endOf = (operation: OperationRecord) => ({
  type: operation.input.manual ? ('manual_cleaning_end' as const) : ('automated_cleaning_end' as const),
});

/** Automated: everything enabled, sorted. By hand: what was asked for, in the order it was. */
function cleanSteps(context: PlanContext): OperationStep[] {
  const { driver, settings, input } = context;
  if (input.manual) return askedSteps(context, 'clean');
  return enabledSteps(driverSteps(driver, 'clean'), settings.conductor.clean_step_priority_override);
}

/** The rest of the plan, now that the agent can say what it offers. */
async function collectAgentSteps(task: StepTask, context: PlanContext): Promise<StepOutcome> {
  const offered = (await task.driver.deploy.agentSteps?.(task, 'clean')) ?? [];
  const own = cleanSteps(context);
  const overrides = context.settings.conductor.clean_step_priority_override;
  const steps = context.input.manual
    ? withAgentSteps('clean', own, offered)
    : sortSteps('clean', [...own, ...enabledSteps(offered.map(plannedOf), overrides)]);
  return { kind: 'done', remaining: [...steps, ...task.remainingSteps] };
}
