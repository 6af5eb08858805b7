import { askedSteps, type Flow, flowStep, withAgentSteps } from './flow.ts';

/**
 * Ensures: the steps asked for ran on a machine in use, in their order, and its instance runs again.
 * When: `service`. Not its business: erasing, or redeploying.
 */
export const service: Flow = {
  kind: 'service',
  stepFlow: 'service',
  stepField: 'service_step',
  plan({ driver, input }) {
    if (input.disableRamdisk) return askedSteps(driver, 'service', input.steps);
    return [
      flowStep('prepare_service', true),
      flowStep('collect_agent_steps'),
      flowStep('tear_down_service'),
    ];
  },
  own: {
    prepare_service: async (task) => await task.driver.deploy.prepareAgent(task),
    async collect_agent_steps(task, { driver, input }) {
      const offered = (await task.driver.deploy.agentSteps?.(task, 'service')) ?? [];
      const steps = withAgentSteps('service', askedSteps(driver, 'service', input.steps), offered);
      return { kind: 'done', remaining: [...steps, ...task.remainingSteps] };
    },
    async tear_down_service(task) {
      const outcome = await task.driver.deploy.tearDownAgent(task);
      if (outcome.kind !== 'done') return outcome;
      await task.driver.boot.prepareInstance(task);
      await task.setPower('power on');
      return outcome;
    },
  },
  async cleanUp(task) {
    if (task.settings.conductor.poweroff_in_servicefail && !task.node.disable_power_off) {
      await task.setPower('power off');
    }
    await task.driver.boot.cleanUpRamdisk(task);
  },
  finish: () => ({ raise: ['done'], columns: { last_error: null } }),
  fail: (_operation, _node, error, stepRan) => ({
    raise: ['fail'],
    columns: {
      last_error: error,
      ...(stepRan ? { maintenance: true, maintenance_reason: error, fault: 'service failure' as const } : {}),
    },
    history: { severity: 'ERROR', type: 'servicing', event: error },
  }),
};
