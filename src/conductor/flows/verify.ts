import { driverSteps, type Flow, flowStep, sortSteps } from './flow.ts';

/**
 * Ensures: the BMC can be reached with the node's credentials, and its power state is known.
 * When: `manage` from enroll. Not its business: what the machine is made of (inspect).
 */
export const verify: Flow = {
  kind: 'verify',
  stepFlow: 'verify',
  stepField: null,
  plan: ({ driver }) => [
    flowStep('reach_bmc'),
    ...sortSteps('verify', driverSteps(driver, 'verify')).filter((step) => step.priority > 0),
  ],
  own: {
    async reach_bmc(task) {
      await task.driver.power.validate(task);
      return { kind: 'done', changes: { power_state: await task.driver.power.getPowerState(task) } };
    },
  },
  finish: () => ({ raise: ['done'], columns: { last_error: null } }),
  fail: (_operation, _node, error) => ({
    raise: ['fail'],
    columns: { last_error: error },
    history: { severity: 'ERROR', type: 'verify', event: error },
  }),
};
