import type { RescueInterface } from '../interfaces/others.ts';
import { done, type StepOutcome } from '../steps.ts';
import type { Task } from '../task.ts';
import type { Delay } from './delay.ts';

export function fakeRescue(delay: Delay): RescueInterface {
  const takeTime = async (task: Task): Promise<StepOutcome> => {
    await delay(task, 'rescue_delay');
    return done;
  };
  return {
    properties: {},
    async validate() {},
    rescue: takeTime,
    unrescue: takeTime,
    async cleanUp() {},
  };
}
