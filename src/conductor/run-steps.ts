import type { StepOutcome } from '#drivers/steps.ts';
import type { Task } from '#drivers/task.ts';
import { InvalidParameterValue, InvalidState, TemporaryFailure } from '#model/faults.ts';
import type { OperationRecord, OperationStep } from '#protocol/operation.ts';
import { logWith } from '#model/log.ts';
import { timed } from '#telemetry/timed.ts';
import { traced } from '#telemetry/tracing.ts';
import type { NodeCommit } from './lock/node-commit.ts';
import { failOperation, finishOperation } from './operations/end-operation.ts';
import { engineSteps, notesFor, rebootStep, stepsAnew } from './steps/engine-steps.ts';
import { flows } from './flows/all.ts';
import { findStep, type FlowRun, type OwnStepOutcome } from './flows/flow.ts';
import type { LockedNode } from './lock/locked-node.ts';
import type { ConductorParts } from './parts.ts';
import { placeOf } from './operations/operation-trace.ts';
import { rebootsAgent, runReservedStep } from './steps/reserved-steps.ts';
import type { Place, Run, RunEnd } from './operations/run.ts';
import { runOnChildren } from './steps/run-on-children.ts';
import { settleWait } from './waits/settle-wait.ts';
import { withShownStep } from './steps/shown-step.ts';
import { agentHeardAt, columnsOf, stepTaskOf, taskOf } from './task.ts';

/**
 * The one engine for every kind of operation: runs steps from the cursor until the operation ends or waits. Each
 * outcome is committed before anything that follows from it is done, so whoever reads the row can go on from it.
 * Throws only when the node is no longer this conductor's, or the conductor stops: then the row stands as committed.
 */
export async function runOperation(
  parts: ConductorParts,
  node: LockedNode,
  operation: OperationRecord,
  { signal, leaving }: { signal: AbortSignal; leaving: AbortSignal },
): Promise<RunEnd> {
  const log = logWith(node.log, { operation: operation.id });
  const place: Place = { parts, node, operation, log, flow: flows[operation.kind] };
  const run = async (): Promise<RunEnd> => await runFrom(place, { signal, leaving });
  return await (parts.tracer ? parts.tracer.at(placeOf(operation), run) : run());
}

async function runFrom(
  place: Place,
  { signal, leaving }: { signal: AbortSignal; leaving: AbortSignal },
): Promise<RunEnd> {
  const { parts, node, operation, log } = place;
  let task: Task | undefined;
  try {
    task = await taskOf(parts, node, signal, log);
    if (operation.state === 'failing') throw new Error(operation.error ?? 'the operation failed');
    return await runSteps({ ...place, task, driver: task.driver, leaving });
  } catch (error) {
    signal.throwIfAborted();
    // The store is full or busy, which says nothing of the machine.
    if (error instanceof TemporaryFailure) throw error;
    if (node.isReleased || !(await isStillHeld(place))) throw error;
    return await failOperation(place, task, error);
  }
}

/** An empty commit asks the store whether the lock is still ours. */
async function isStillHeld({ node }: Place): Promise<boolean> {
  return await node.commit({}).then(
    () => true,
    () => false,
  );
}

async function runSteps(run: Run): Promise<RunEnd> {
  const { parts, node, operation } = run;
  for (;;) {
    run.task.signal.throwIfAborted();
    const step = operation.steps[operation.cursor];
    if (!step) return await finishOperation(run, {});
    if (run.leaving.aborted) return await handOver(run);
    const name = `${operation.kind}:${step.interface}.${step.step}`;
    await parts.checkpoint(`${name}:run`, node.uuid);
    run.task.signal.throwIfAborted();
    const heardBefore = agentHeardAt(node.record);
    const outcome = await measured(run, step, async () => await tracedStep(run, step));
    await parts.checkpoint(`${name}:ran`, node.uuid);
    const end = await settle(run, step, outcome, heardBefore);
    await parts.checkpoint(`${name}:committed`, node.uuid);
    if (end) return end;
  }
}

/** The step at the cursor is not begun: whoever goes on begins it for the first time. */
async function handOver({ node, operation }: Run): Promise<RunEnd> {
  const changes = { owner: '', attempt: operation.attempt - 1 };
  await node.commit({ operation: { id: operation.id, changes } });
  return { kind: 'handed over' };
}

/** Notes how long the step kept its worker. */
async function measured<T>(
  { parts, operation, log }: Run,
  step: OperationStep,
  work: () => Promise<T>,
): Promise<T> {
  const { metrics, clock } = parts;
  const labels = { interface: step.interface, step: step.step };
  const { attempt } = operation;
  const note = (seconds: number, outcome: string): void => {
    metrics?.observe('ingot_step_seconds', { operation: operation.kind, ...labels, outcome }, seconds);
    log.debug({ ...labels, attempt, outcome, seconds }, 'a step ran');
  };
  return await timed(() => clock.now(), note, work);
}

/** Each run of a step is a span of its own: what waits in between is seen as the gaps. */
async function tracedStep(run: Run, step: OperationStep): Promise<OwnStepOutcome> {
  const { parts, node, operation } = run;
  // What a conductor does by itself belongs to no trace.
  const tracer = parts.tracer?.place === undefined ? undefined : parts.tracer;
  const attributes = {
    'ingot.node': node.uuid,
    'ingot.operation': operation.id,
    'ingot.request': node.context.requestId,
    'ingot.step.attempt': operation.attempt,
  };
  const name = `step ${step.interface}.${step.step}`;
  return await traced(tracer, { name, kind: 'internal', attributes }, async (span) => {
    const outcome = await runStep(run, step);
    span?.set({ 'ingot.step.outcome': outcome.kind === 'wait' ? `waits for ${outcome.for}` : outcome.kind });
    return outcome;
  });
}

async function runStep(run: Run, step: OperationStep): Promise<OwnStepOutcome> {
  const { parts, node, operation, flow, task, driver } = run;
  const stepTask = stepTaskOf(task, node, operation, flow.stepFlow ?? 'deploy');
  switch (step.origin) {
    case 'flow': {
      const own = engineSteps[step.step] ?? flow.own[step.step];
      if (!own) throw new InvalidParameterValue(`The flow ${flow.kind} has no step ${step.step}`);
      const flowRun: FlowRun = {
        parts,
        driver,
        node: node.record,
        settings: parts.settings,
        input: operation.input,
      };
      return await own(stepTask, flowRun);
    }
    case 'driver': {
      const definition = findStep(driver, stepTask.flow, step);
      if (!definition) {
        throw new InvalidParameterValue(
          `The driver has no ${stepTask.flow} step ${step.interface}.${step.step}`,
        );
      }
      if (definition.mayRepeat === false) await beginOnce(run, step);
      return await definition.run(stepTask, step.args);
    }
    case 'agent': {
      if (!driver.deploy.runAgentStep) {
        throw new InvalidParameterValue(`There is no agent to run the step ${step.interface}.${step.step}`);
      }
      return await driver.deploy.runAgentStep(stepTask, step);
    }
    case 'reserved':
      return await runReservedStep(stepTask, step, { rebootsAgent: rebootsAgent(run) });
    case 'children':
      return await runOnChildren(run, stepTask, step);
  }
}

/**
 * Commits that a step begins which must not be done twice, so that whoever takes over knows what was planned from what
 * was begun. Throws InvalidState when it was begun before and nobody knows how it ended.
 */
async function beginOnce({ parts, node, operation }: Run, step: OperationStep): Promise<void> {
  const name = `${step.interface}.${step.step}`;
  if (operation.once_begun) {
    throw new InvalidState(
      `The step ${name} was interrupted and must not be done twice; look at the machine, then try again`,
    );
  }
  await node.commit({ operation: { id: operation.id, changes: { once_begun: true } } });
  operation.once_begun = true;
  await parts.checkpoint(`${operation.kind}:${name}:begun`, node.uuid);
}

/** Commits a step's outcome together with the beginning of the next one. Undefined: the run goes on. */
async function settle(
  run: Run,
  step: OperationStep,
  outcome: OwnStepOutcome,
  heardBefore: number | null,
): Promise<RunEnd | undefined> {
  const change: NodeCommit = {
    columns: { ...outcome.columns, ...columnsOf(outcome.changes ?? {}) },
    ...(outcome.also ? { also: outcome.also } : {}),
    ...(outcome.history ? { history: outcome.history } : {}),
  };
  if (outcome.kind === 'wait') {
    if (outcome.for === 'reboot') return await rebootAgent(run, step, outcome, change);
    return await settleWait(run, outcome, change, heardBefore);
  }
  if (outcome.kind === 'outdated') return await nextStep(run, step, change, stepsAnew(run, step));
  return await nextStep(run, step, change, outcome.remaining);
}

async function nextStep(
  run: Run,
  step: OperationStep,
  change: NodeCommit,
  remaining: OperationStep[] | undefined,
): Promise<RunEnd | undefined> {
  const { node, operation, flow } = run;
  const steps = remaining
    ? [...operation.steps.slice(0, operation.cursor + 1), ...remaining]
    : operation.steps;
  const cursor = operation.cursor + 1;
  const next = steps[cursor];
  const tell = [{ kind: 'step.finished' as const, data: { interface: step.interface, step: step.step } }];
  if (operation.abort_requested && next) {
    throw new InvalidState(`Aborted on request after the step ${step.interface}.${step.step}`);
  }
  if (!next) return await finishOperation(run, { ...change, tell });
  const memo = notesFor(step);
  const changes = {
    cursor,
    attempt: 1,
    memo,
    wait: null,
    once_begun: false,
    ...(remaining ? { steps } : {}),
  };
  await node.commit({
    ...change,
    columns: withShownStep(flow, node.record, change.columns ?? {}, {
      step: next,
      all: steps,
      isNewList: remaining !== undefined,
    }),
    operation: { id: operation.id, changes },
    tell: [...tell, { kind: 'step.started', data: { interface: next.interface, step: next.step } }],
  });
  Object.assign(operation, changes);
  return undefined;
}

/** The machine is rebooted into the agent by a step of its own, put before what comes then. */
async function rebootAgent(
  run: Run,
  step: OperationStep,
  { thenRepeatStep, notes }: Extract<StepOutcome, { for: 'reboot' }>,
  change: NodeCommit,
): Promise<RunEnd | undefined> {
  if (!run.driver.deploy.rebootAgent) {
    throw new InvalidParameterValue(
      `The step ${step.interface}.${step.step} asks for a reboot that the driver cannot do`,
    );
  }
  const after = run.operation.steps.slice(run.operation.cursor + 1);
  const remaining = thenRepeatStep
    ? [rebootStep({ ...run.operation.memo, ...notes }), step, ...after]
    : [rebootStep({}), ...after];
  return await nextStep(run, step, change, remaining);
}
