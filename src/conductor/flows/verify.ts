import { PowerStateFailure } from '#model/faults.ts';
import { bmcFacts } from './bmc-facts.ts';
import { driverSteps, enabledSteps, type Flow, flowStep, sortSteps } from './flow.ts';

/**
 * Ensures: the BMC can be reached with the node's credentials, and what it says of power, boot mode and vendor is known.
 * When: `manage` from enroll. Not its business: what the machine is made of (inspect).
 */
export const verify: Flow = {
  kind: 'verify',
  stepFlow: 'verify',
  stepField: null,
  plan: ({ driver, settings }) => [
    flowStep('reach_bmc'),
    ...sortSteps(
      'verify',
      enabledSteps(driverSteps(driver, 'verify'), settings.conductor.verify_step_priority_override),
    ),
  ],
  own: {
    async reach_bmc(task) {
      await task.driver.power.validate(task);
      const state = await task.driver.power.getPowerState(task);
      if (state === 'error') throw new PowerStateFailure({ pstate: "any: its BMC says 'error'" });
      return { kind: 'done', changes: { power_state: state, ...(await bmcFacts(task)) } };
    },
  },
  finish: () => ({ raise: ['done'], columns: { last_error: null } }),
  fail: ({ error }) => ({
    raise: ['fail'],
    columns: { last_error: error },
    history: { severity: 'ERROR', type: 'verify', event: error },
  }),
};
