import type { Settings } from '#config/settings.ts';
import type { LookingTask } from '../task.ts';

/** Takes as long as an option of `[fake]` says. Rejects with the reason of the task's signal when that is aborted. */
export type Delay = (task: LookingTask, option: keyof Settings['fake']) => Promise<void>;

/** A delay that draws from the numbers in [0, 1) it is given. */
export function delayBy(random: () => number): Delay {
  return async (task, option) => {
    task.signal.throwIfAborted();
    const seconds = secondsFrom(task.settings.fake[option], random());
    if (seconds > 0) await task.clock.sleep(seconds * 1000, task.signal);
  };
}

/**
 * The seconds that `a` or `a,b` asks for. Between two bounds they are drawn from a triangle that is highest at the
 * first: mostly quick, sometimes slow (ironic drivers/modules/fake.py sleep, 2026.2).
 */
export function secondsFrom([first = 0, last = first]: readonly number[], random: number): number {
  return last - (last - first) * Math.sqrt(1 - random);
}
