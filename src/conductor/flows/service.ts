import { done, type StepOutcome } from '#drivers/steps.ts';
import type { StepTask } from '#drivers/task.ts';
import { askedSteps, checkRunWithoutRamdisk, needRamdisk, withAgentSteps } from './asked-steps.ts';
import { type Flow, type FlowEnd, flowStep, stepRan } from './flow.ts';

/**
 * Ensures: the steps asked for ran on a machine in use, in their order, and its instance runs again.
 * When: `service`. Not its business: erasing, or redeploying.
 */
export const service: Flow = {
  kind: 'service',
  stepFlow: 'service',
  stepField: 'service_step',
  plan(context) {
    const { driver, input } = context;
    if (input.leaves) return [flowStep('return_to_instance')];
    const steps = askedSteps(context, 'service');
    if (input.disableRamdisk) checkRunWithoutRamdisk(driver, 'service', steps);
    if (!needRamdisk(driver, 'service', steps)) return steps;
    return [
      flowStep('prepare_service', true),
      flowStep('collect_agent_steps'),
      flowStep('tear_down_service'),
    ];
  },
  own: {
    async prepare_service(task) {
      if (task.node.driver_internal_info[instanceLeft] !== true)
        await task.save({ driver_internal_info: { [instanceLeft]: true } });
      return await task.driver.deploy.prepareAgent(task);
    },
    async collect_agent_steps(task, context) {
      const offered = (await task.driver.deploy.agentSteps?.(task, 'service')) ?? [];
      const steps = withAgentSteps('service', askedSteps(context, 'service'), offered);
      return { kind: 'done', remaining: [...steps, ...task.remainingSteps] };
    },
    tear_down_service: returnToInstance,
    return_to_instance: async (task) =>
      task.node.driver_internal_info[instanceLeft] === true ? await returnToInstance(task) : done,
  },
  async cleanUp(task, operation) {
    // What follows an abort brings the instance back.
    if (operation.abort_requested || operation.input.leaves) return;
    if (task.settings.conductor.poweroff_in_servicefail && !task.node.disable_power_off) {
      await task.setPower('power off');
    }
    await task.driver.boot.cleanUpRamdisk(task);
  },
  finish: ({ operation }) =>
    operation.input.leaves
      ? {}
      : {
          raise: ['done'],
          columns: { last_error: null },
          history: { severity: 'INFO', type: 'servicing_end', event: 'Service ended: the instance is back' },
        },
  fail({ operation, error }) {
    if (operation.input.leaves) return { columns: { last_error: error, ...inFault(error) }, ...told(error) };
    // (ironic conductor/manager.py _do_abort, 2026.2)
    if (operation.abort_requested) {
      const next = { kind: 'service', input: { leaves: true } } as const;
      return { raise: ['fail', 'abort'], columns: { last_error: error }, next, ...told(error) };
    }
    const columns = { last_error: error, ...(stepRan(operation) ? inFault(error) : {}) };
    return { raise: ['fail'], columns, ...told(error) };
  },
};

const inFault = (error: string) =>
  ({ maintenance: true, maintenance_reason: error, fault: 'service failure' }) as const;

const told = (error: string): Pick<FlowEnd, 'history'> => ({
  history: { severity: 'ERROR', type: 'servicing', event: error },
});

/** The machine is off its disk from here until its instance was started again. */
const instanceLeft = 'service_left_instance';
export const instanceIsThere = { [instanceLeft]: null } as const;

async function returnToInstance(task: StepTask): Promise<StepOutcome> {
  const outcome = await task.driver.deploy.tearDownAgent(task);
  if (outcome.kind !== 'done') return outcome;
  await task.driver.boot.prepareInstance(task);
  await task.setPower('power on');
  const { driver_internal_info } = outcome.changes ?? {};
  return {
    ...outcome,
    changes: { ...outcome.changes, driver_internal_info: { ...driver_internal_info, ...instanceIsThere } },
  };
}
