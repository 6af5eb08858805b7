import type { DeployInterface } from '../interfaces/deploy.ts';
import { defineStep, done, type StepOutcome } from '../steps.ts';
import type { Task } from '../task.ts';
import type { Delay } from './delay.ts';

/** Deploys nothing, without an agent: every flow runs straight through. */
export function fakeDeploy(delay: Delay): DeployInterface {
  const takeTime = async (task: Task): Promise<StepOutcome> => {
    await delay(task, 'deploy_delay');
    return done;
  };
  return {
    properties: {},
    async validate() {},
    prepare: takeTime,
    async prepareAgent() {
      return done;
    },
    async tearDownAgent() {
      return done;
    },
    tearDown: takeTime,
    cleanUp: (task) => delay(task, 'deploy_delay'),
    takeOver: (task) => delay(task, 'deploy_delay'),
    steps: [defineStep({ step: 'deploy', flows: { deploy: 100 }, abortable: true, run: takeTime })],
  };
}
