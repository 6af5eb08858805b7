import { type Flow, flowStep } from './flow.ts';

/**
 * Ensures: a machine that runs an instance already is known as `active`, and its boot is served from here.
 * When: `adopt`. Not its business: writing anything to the machine.
 */
export const adopt: Flow = {
  kind: 'adopt',
  stepFlow: null,
  stepField: null,
  plan: () => [flowStep('take_over')],
  own: {
    async take_over(task) {
      await task.driver.power.validate(task);
      await task.driver.deploy.takeOver?.(task);
      return { kind: 'done', changes: { power_state: await task.driver.power.getPowerState(task) } };
    },
  },
  finish: () => ({ raise: ['done'], columns: { last_error: null } }),
  fail: ({ error }) => ({
    raise: ['fail'],
    columns: { last_error: error, power_state: null },
    history: { severity: 'ERROR', type: 'adoption', event: error },
  }),
};
