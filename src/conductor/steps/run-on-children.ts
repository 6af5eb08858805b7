// A step that the node's children carry out, one after the other.
import { readChildNodes } from '#db/nodes.ts';
import type { Driver } from '#drivers/define.ts';
import { done } from '#drivers/steps.ts';
import type { StepTask } from '#drivers/task.ts';
import { ChildNodeLocked, InvalidParameterValue, InvalidState, NodeLocked } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import type { OperationStep } from '#protocol/operation.ts';
import { findStep, type OwnStepOutcome } from '../flows/flow.ts';
import { lockNode } from '../lock/locked-node.ts';
import { reservedStep } from './reserved-steps.ts';
import type { Run } from '../operations/run.ts';
import { taskOf } from '../task.ts';

/** What the parent's step notes: the children that are done, and the one that was begun. */
interface ChildrenNote {
  readonly done: readonly string[];
  readonly begun: string | null;
  /** What the step noted on the child that was begun. */
  readonly memo: Readonly<Record<string, unknown>>;
}

/**
 * Ensures that every child meant carried the step out, in the order of their UUIDs; each is held meanwhile. Throws
 * for the first that fails, with its name; those before it stay done. May be repeated: what is done is not done again.
 */
export async function runOnChildren(
  run: Run,
  parentTask: StepTask,
  step: OperationStep,
): Promise<OwnStepOutcome> {
  const { parts, node } = run;
  const limit = step.onChildren ?? [];
  const children = await readChildNodes(parts.store.read, node.uuid);
  for (const { uuid } of children) {
    if (limit.length > 0 && !limit.includes(uuid)) continue;
    if (noteOf(parentTask).done.includes(uuid)) continue;
    try {
      await runOnChild(run, parentTask, step, uuid);
    } catch (cause) {
      parentTask.signal.throwIfAborted();
      const name = `${step.interface}.${step.step}`;
      throw new InvalidState(`The step ${name} failed on the child node ${uuid}: ${messageOf(cause)}`, {
        cause,
      });
    }
    await parentTask.note({ children: { done: [...noteOf(parentTask).done, uuid], begun: null, memo: {} } });
  }
  return done;
}

async function runOnChild(run: Run, parentTask: StepTask, step: OperationStep, uuid: string): Promise<void> {
  const { parts, node } = run;
  const isAgain = noteOf(parentTask).begun === uuid;
  await using child = await lockNode(parts, uuid, node.context).catch((cause: unknown) => {
    throw cause instanceof NodeLocked
      ? new ChildNodeLocked({ child: uuid, node: node.uuid }, { cause })
      : cause;
  });
  const task = childTask(await taskOf(parts, child, parentTask.signal), parentTask);
  const onChild = stepOnChild(task.driver, step, parentTask);
  if (isAgain && !onChild.mayRepeat)
    throw new InvalidState(
      'It was interrupted and must not be done twice; look at the machine, then try again',
    );
  if (!isAgain) await parentTask.note({ children: { done: noteOf(parentTask).done, begun: uuid, memo: {} } });
  const outcome = await onChild.carryOut(task);
  if (outcome.kind === 'done') {
    if (outcome.changes) await task.save(outcome.changes);
    return;
  }
  // Nobody would follow it (ironic conductor/cleaning.py, 2026.2).
  if (!parts.settings.conductor.permit_child_node_step_async_result)
    throw new InvalidState(
      'It goes on by itself, which nobody would wait for; [conductor]permit_child_node_step_async_result allows it',
    );
}

interface OnChild {
  readonly mayRepeat: boolean;
  readonly carryOut: (task: StepTask) => Promise<OwnStepOutcome>;
}

function stepOnChild(driver: Driver, step: OperationStep, { flow }: StepTask): OnChild {
  const reserved = reservedStep(step.step);
  if (reserved)
    return {
      mayRepeat: true,
      carryOut: async (task) => await reserved.run(task, step, { rebootsAgent: false }),
    };
  const definition = findStep(driver, flow, step);
  if (!definition)
    throw new InvalidParameterValue(`Its driver has no ${flow} step ${step.interface}.${step.step}`);
  return {
    mayRepeat: definition.mayRepeat !== false,
    carryOut: async (task) => await definition.run(task, step.args),
  };
}

/** The child's own task; what a step notes is kept with the parent's operation, as the child has none. */
function childTask(task: Awaited<ReturnType<typeof taskOf>>, parentTask: StepTask): StepTask {
  // Accessors of the task stay alive in the new object.
  return Object.defineProperties({} as StepTask, {
    ...Object.getOwnPropertyDescriptors(task),
    ...Object.getOwnPropertyDescriptors({
      operationId: parentTask.operationId,
      flow: parentTask.flow,
      attempt: parentTask.attempt,
      get memo() {
        return noteOf(parentTask).memo;
      },
      async note(memo: Record<string, unknown>) {
        const children = noteOf(parentTask);
        await parentTask.note({ children: { ...children, memo: { ...children.memo, ...memo } } });
      },
      remainingSteps: [],
      agentHeardAt: null,
    }),
  });
}

function noteOf(parentTask: StepTask): ChildrenNote {
  // Written here alone.
  const note = parentTask.memo['children'] as ChildrenNote | undefined;
  return note ?? { done: [], begun: null, memo: {} };
}
