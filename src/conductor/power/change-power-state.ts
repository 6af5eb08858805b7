import { InvalidParameterValue } from '#model/faults.ts';
import { isPowerTarget, powerTargets } from '#model/power-states.ts';
import type { ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import { checkMayPowerOff } from './set-power.ts';
import { readingTask } from '../task.ts';
import type { ConductorWorkings } from '../workings.ts';

/** Accepts a change of the power state; the operation does it. Throws what forbids it, with nothing changed. */
export async function changePowerState(
  { parts, operations, signal }: ConductorWorkings,
  { node: uuid, target, timeoutSeconds }: ConductorCalls['change_node_power_state']['args'],
  context: RequestContext,
): Promise<void> {
  if (!isPowerTarget(target)) throw new InvalidParameterValue(`'${target}' is no power state to go to`);
  const longest = parts.settings.ingot.power_timeout_max;
  if (timeoutSeconds !== null && timeoutSeconds > longest)
    throw new InvalidParameterValue(
      `The timeout of ${timeoutSeconds} s is longer than the longest, ${longest} s`,
    );
  const task = await readingTask(parts, uuid, signal, context);
  await task.driver.power.validate(task);
  const { soft, reaches } = powerTargets[target];
  if (soft && !(await task.driver.power.supportedTargets(task)).includes(target)) {
    throw new InvalidParameterValue(`The power interface of node ${uuid} cannot do '${target}'`);
  }
  await operations.begin(uuid, 'power', context, (node) => {
    checkMayPowerOff(node, target);
    return {
      input: {
        powerTarget: target,
        ...(timeoutSeconds === null ? {} : { powerTimeoutSeconds: timeoutSeconds }),
      },
      columns: { target_power_state: reaches, last_error: null },
    };
  });
}
