import type { DeployInterface } from '../interfaces/deploy.ts';
import { defineStep, done, type StepOutcome } from '../steps.ts';

const nothing = async (): Promise<StepOutcome> => done;

/** For machines that somebody else deploys: every flow runs straight through, the machine is left as it is. */
export const noopDeploy: DeployInterface = {
  properties: {},
  async validate() {},
  prepare: nothing,
  prepareAgent: nothing,
  tearDownAgent: nothing,
  tearDown: nothing,
  async cleanUp() {},
  steps: [defineStep({ step: 'deploy', flows: { deploy: 100 }, abortable: true, run: nothing })],
};
