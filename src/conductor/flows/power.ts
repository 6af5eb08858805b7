import { isPowerTarget, powerTargets } from '#model/power-states.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import type { StepTask } from '#drivers/task.ts';
import { type Flow, flowStep } from './flow.ts';

/**
 * Ensures: the machine is on, off or rebooted as asked, and the node's record says what it is.
 * When: `PUT …/states/power`. Not its business: the provision state, which stays.
 */
export const power: Flow = {
  kind: 'power',
  stepFlow: null,
  stepField: null,
  plan: () => [flowStep('set_power')],
  own: {
    async set_power(task, { input }) {
      const { powerTarget: target, powerTimeoutSeconds: timeoutSeconds } = input;
      if (!isPowerTarget(target)) throw new InvalidParameterValue(`'${target}' is no power state to go to`);
      // To be done however the machine is found.
      const isReboot = !powerTargets[target].skippedWhenThere;
      // A reboot that happened before the conductor died: on is what is left of it to ensure.
      const goal = isReboot && (await hasRebooted(task)) ? 'power on' : target;
      await task.setPower(goal, timeoutSeconds === undefined ? {} : { timeoutSeconds });
      return { kind: 'done' };
    },
  },
  finish: () => ({ columns: { target_power_state: null, last_error: null } }),
  fail: ({ operation, error }) => {
    const message = `Could not change the power state to '${operation.input.powerTarget}': ${error}`;
    return {
      columns: { target_power_state: null, last_error: message },
      history: { severity: 'ERROR', type: 'monitoring', event: message },
    };
  },
};

/**
 * Whether the machine began anew since the reboot was first to be asked of its BMC. Where the BMC does not tell, nobody
 * can know: then it is asked again, for an operator would rather see two reboots than none.
 */
async function hasRebooted(task: StepTask): Promise<boolean> {
  const now = (await task.driver.power.lastReset?.(task)) ?? null;
  if (!('last_reset' in task.memo)) {
    await task.note({ last_reset: now });
    return false;
  }
  return now !== null && task.memo['last_reset'] !== null && now !== task.memo['last_reset'];
}
