// Steps that mean the same in every flow, whatever interface is named with them: a row each
// (ironic conductor/steps.py, 2026.2; spec driver-interfaces.json#/step_model).
import { done, type StepArgument, waitForAgent } from '#drivers/steps.ts';
import type { StepTask } from '#drivers/task.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import type { OperationStep } from '#protocol/operation.ts';
import type { OwnStepOutcome } from '../flows/flow.ts';
import type { Run } from '../operations/run.ts';

interface ReservedStep {
  readonly args: Readonly<Record<string, StepArgument>>;
  readonly abortable: boolean;
  /** Whether child nodes may be asked for it. */
  readonly onChildren: boolean;
  /** As every step it may run again at any time. `rebootsAgent`: see below. */
  run(task: StepTask, step: OperationStep, context: { rebootsAgent: boolean }): Promise<OwnStepOutcome>;
}

const powerStep = { args: {}, abortable: false, onChildren: true } as const;

const reservedSteps: Readonly<Record<string, ReservedStep>> = {
  power_on: { ...powerStep, run: powerOn },
  power_off: {
    ...powerStep,
    async run(task) {
      await task.setPower('power off');
      return done;
    },
  },
  reboot: { ...powerStep, run: reboot },
  hold: {
    args: {},
    abortable: true,
    onChildren: false,
    run: async (task) => (task.memo['released'] === true ? done : { kind: 'wait', for: 'hold' }),
  },
  wait: {
    args: {
      seconds: { description: 'How long; without it, until the agent is next heard of', required: false },
    },
    abortable: true,
    onChildren: false,
    run: async (task, { args }) =>
      args['seconds'] === undefined ? await waitForHeartbeat(task) : await waitForTime(task, args['seconds']),
  },
};

/** What the name of a step stands for in every flow, or undefined. */
export function reservedStep(name: string): ReservedStep | undefined {
  return Object.hasOwn(reservedSteps, name) ? reservedSteps[name] : undefined;
}

/** The reserved step of that name on the node of the task, or how far it came. */
export async function runReservedStep(
  task: StepTask,
  step: OperationStep,
  context: { rebootsAgent: boolean },
): Promise<OwnStepOutcome> {
  const found = reservedStep(step.step);
  if (!found) throw new InvalidParameterValue(`There is no reserved step ${step.step}`);
  return await found.run(task, step, context);
}

/**
 * Whether a machine that is turned on or rebooted now comes back into the agent: steps to come may want it. It was
 * booted by this operation, and what the machine is to boot next is not its own disk yet.
 */
export function rebootsAgent({ operation, driver }: Pick<Run, 'operation' | 'driver'>): boolean {
  if (!driver.deploy.rebootAgent) return false;
  const behind = operation.steps.slice(0, operation.cursor);
  const isBehind = (name: string): boolean => behind.some(({ step }) => step === name);
  return isBehind('collect_agent_steps') && !isBehind('prepare_instance_boot');
}

/** The seconds that a `wait` names. Throws InvalidParameterValue for what is no number of seconds. */
export function secondsOf(given: unknown): number {
  const isWritten = typeof given === 'string' && /^\d{1,15}$/.test(given);
  const seconds = isWritten ? Number(given) : given;
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0) return seconds;
  throw new InvalidParameterValue('The "seconds" of a step "wait" are to be a whole number from 0');
}

async function powerOn(
  task: StepTask,
  _step: OperationStep,
  context: { rebootsAgent: boolean },
): Promise<OwnStepOutcome> {
  const isBooting = task.memo['boots_agent'] === true;
  const isOff = (await task.driver.power.getPowerState(task)) !== 'power on';
  if (context.rebootsAgent && (isBooting || isOff)) return await bootAgent(task);
  await task.setPower('power on');
  return done;
}

async function reboot(
  task: StepTask,
  _step: OperationStep,
  context: { rebootsAgent: boolean },
): Promise<OwnStepOutcome> {
  if (context.rebootsAgent) return await bootAgent(task);
  // Asked of the BMC before the conductor died: on is what is left of it to ensure.
  const goal = task.memo['reboot_asked'] === true ? 'power on' : 'rebooting';
  await task.note({ reboot_asked: true });
  await task.setPower(goal);
  return done;
}

async function bootAgent(task: StepTask): Promise<OwnStepOutcome> {
  if (task.memo['boots_agent'] !== true) await task.note({ boots_agent: true });
  return (await task.driver.deploy.rebootAgent?.(task)) ?? done;
}

async function waitForHeartbeat(task: StepTask): Promise<OwnStepOutcome> {
  const heardBefore = task.memo['heard_before'];
  if (heardBefore === undefined) {
    await task.note({ heard_before: task.agentHeardAt });
    return waitForAgent;
  }
  return task.agentHeardAt !== null && task.agentHeardAt !== heardBefore ? done : waitForAgent;
}

async function waitForTime(task: StepTask, given: unknown): Promise<OwnStepOutcome> {
  const { max_conductor_wait_step_seconds: most } = task.settings.conductor;
  const seconds = secondsOf(given);
  const noted = task.memo['until'];
  const now = task.clock.now();
  const until = typeof noted === 'number' ? noted : now + Math.min(seconds, most) * 1000;
  if (noted === undefined) await task.note({ until });
  if (now >= until) return done;
  const event = `A step "wait" asked for ${seconds} s; [conductor]max_conductor_wait_step_seconds allows ${most} s`;
  return {
    kind: 'wait',
    for: 'poll',
    afterSeconds: (until - now) / 1000,
    ...(seconds > most && noted === undefined
      ? { history: { severity: 'INFO', type: 'conductor', event } }
      : {}),
  };
}
