// Without read-back: a step that is begun again knows nothing of its first run.
import type { DriverPackage } from '#drivers/define.ts';
import type { DeployInterface } from '#drivers/interfaces/deploy.ts';
import type { StepTask } from '#drivers/task.ts';

/** The package's deploy interfaces, whose steps forget what they noted before another conductor took them up. */
export function withoutReadBack(drivers: DriverPackage): DriverPackage {
  const { deploy } = drivers.implementations;
  if (!deploy) return drivers;
  const forgetful = Object.entries(deploy).map(([name, one]) => [name, forgetfulOf(one)] as const);
  return {
    ...drivers,
    implementations: { ...drivers.implementations, deploy: Object.fromEntries(forgetful) },
  };
}

function forgetfulOf(deploy: DeployInterface): DeployInterface {
  const known = new Set<string>();
  const { steps } = deploy;
  return {
    ...deploy,
    ...(steps
      ? {
          steps: steps.map((step) => ({
            ...step,
            run: async (task, args) => await step.run(await forgotten(known, task, step.step), args),
          })),
        }
      : {}),
    runAgentStep: async (task, step) => {
      if (!deploy.runAgentStep) throw new Error('The deploy interface has no agent');
      return await deploy.runAgentStep(await forgotten(known, task, step.step), step);
    },
    prepareAgent: async (task) => await deploy.prepareAgent(await forgotten(known, task, 'prepare')),
  };
}

/** Takes the notes away, once for each time that the step is begun anew. */
async function forgotten(known: Set<string>, task: StepTask, step: string): Promise<StepTask> {
  const key = `${task.operationId} ${step} ${task.attempt}`;
  if (task.attempt > 1 && !known.has(key)) {
    const nothing = Object.keys(task.memo).map((name) => [name, undefined]);
    await task.note(Object.fromEntries(nothing) as Record<string, unknown>);
  }
  known.add(key);
  return task;
}
