import { readNode } from '#db/nodes.ts';
import type { Driver } from '#drivers/define.ts';
import type { Task } from '#drivers/task.ts';
import { wireTime } from '#model/clock.ts';
import { InvalidParameterValue, InvalidState, TemporaryFailure } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { nextState } from '#model/provision-states.ts';
import { hideInUrls } from '#model/secrets.ts';
import type { OperationRecord, OperationStep, Wait } from '#protocol/operation.ts';
import { flows } from './flows/all.ts';
import { findStep, type Flow, type FlowEnd, type FlowRun, type OwnStepOutcome } from './flows/flow.ts';
import type { LockedNode, NodeCommit } from './locked-node.ts';
import { newOperation } from './new-operation.ts';
import type { ConductorParts } from './parts.ts';
import { agentHeardAt, columnsOf, stepTaskOf, taskOf } from './task.ts';

/** How a run of an operation ended, for this time. */
export type RunEnd =
  /** `next` began in the same commit, on the same lock. */
  | { kind: 'finished'; next?: OperationRecord }
  /** The node is free; whoever hears of the agent, or of the time, runs it again. */
  | { kind: 'waits'; wait: Wait };

/** The step that the engine itself puts into a plan when another asks for a reboot. */
const rebootStep = 'reboot_agent';

/** Where an operation stands. */
interface Place {
  readonly parts: ConductorParts;
  readonly node: LockedNode;
  /** As of the last commit; this run changes it along with the row. */
  readonly operation: OperationRecord;
  readonly flow: Flow;
}

/** One run: everything it needs at hand. */
interface Run extends Place {
  readonly task: Task;
  readonly driver: Driver;
}

/**
 * The one engine for every kind of operation: runs steps from the cursor until the operation ends or waits. Each
 * outcome is committed before anything that follows from it is done, so whoever reads the row can go on from it.
 * Throws only when the node is no longer this conductor's, or the conductor stops: then the row stands as committed.
 */
export async function runOperation(
  parts: ConductorParts,
  node: LockedNode,
  operation: OperationRecord,
  signal: AbortSignal,
): Promise<RunEnd> {
  const place: Place = { parts, node, operation, flow: flows[operation.kind] };
  let task: Task | undefined;
  try {
    task = await taskOf(parts, node, signal);
    if (operation.state === 'failing') throw new Error(operation.error ?? 'the operation failed');
    return await runSteps({ ...place, task, driver: task.driver });
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
    const name = `${operation.kind}:${step.interface}.${step.step}`;
    await parts.checkpoint(`${name}:run`, node.uuid);
    const heardBefore = agentHeardAt(node.record);
    const outcome = await runStep(run, step);
    await parts.checkpoint(`${name}:ran`, node.uuid);
    const end = await settle(run, step, outcome, heardBefore);
    await parts.checkpoint(`${name}:committed`, node.uuid);
    if (end) return end;
  }
}

async function runStep(run: Run, step: OperationStep): Promise<OwnStepOutcome> {
  const { parts, node, operation, flow, task, driver } = run;
  const stepTask = stepTaskOf(task, node, operation, flow.stepFlow ?? 'deploy');
  switch (step.origin) {
    case 'flow': {
      if (isRebootStep(step) && driver.deploy.rebootAgent) return await driver.deploy.rebootAgent(stepTask);
      const own = flow.own[step.step];
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
      if (operation.attempt > 1 && definition.mayRepeat === false) {
        throw new InvalidState(
          `The step ${step.interface}.${step.step} was interrupted and must not be done twice; look at the machine, then try again`,
        );
      }
      return await definition.run(stepTask, step.args);
    }
    case 'agent': {
      if (!driver.deploy.runAgentStep) {
        throw new InvalidParameterValue(`There is no agent to run the step ${step.interface}.${step.step}`);
      }
      return await driver.deploy.runAgentStep(stepTask, step);
    }
  }
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
  };
  if (outcome.kind === 'wait') return await settleWait(run, step, outcome, change, heardBefore);
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
  const memo = isRebootStep(step) ? notesOf(step) : {};
  const changes = { cursor, attempt: 1, memo, wait: null, ...(remaining ? { steps } : {}) };
  await node.commit({
    ...change,
    columns: { ...change.columns, ...shownStep(flow, next, node.record) },
    operation: { id: operation.id, changes },
    tell: [...tell, { kind: 'step.started', data: { interface: next.interface, step: next.step } }],
  });
  Object.assign(operation, changes);
  return undefined;
}

async function settleWait(
  run: Run,
  step: OperationStep,
  outcome: OwnStepOutcome & { kind: 'wait' },
  change: NodeCommit,
  heardBefore: number | null,
): Promise<RunEnd | undefined> {
  const { parts, node, operation } = run;
  if (outcome.for === 'reboot') return await rebootAgent(run, step, outcome.thenRepeatStep, change);
  const wait = waitOf(outcome, parts.clock.now());
  const { provision_updated_at } = node.record;
  // The same wait as before, after a look that the time was come for.
  const columns = { ...change.columns, ...(operation.wait === null ? {} : { provision_updated_at }) };
  // Without a wait state of its own, a flow waits with the node in hand.
  if (nextState(node.record.provision_state, 'wait') === undefined) {
    await node.commit(change);
    await parts.clock.sleep(heldWaitMilliseconds(wait, parts), run.task.signal);
    return undefined;
  }
  try {
    await node.commit({
      ...change,
      columns,
      raise: ['wait'],
      operation: { id: operation.id, changes: { state: 'waiting', wait } },
      also: async (transaction) => {
        await change.also?.(transaction);
        const now = await readNode(transaction, node.uuid);
        const heard = now ? agentHeardAt(now) : null;
        if (wait.for === 'agent' && heard !== null && heard !== heardBefore) throw new HeardMeanwhile();
      },
      release: true,
    });
  } catch (error) {
    if (!(error instanceof HeardMeanwhile)) throw error;
    // What the step would wait for came while it was at work.
    await node.commit({ ...change, operation: { id: operation.id, changes: { wait: null } } });
    operation.wait = null;
    return undefined;
  }
  return { kind: 'waits', wait };
}

class HeardMeanwhile extends Error {}

function waitOf(outcome: OwnStepOutcome & { kind: 'wait' }, now: number): Wait {
  if (outcome.for === 'poll') return { for: 'poll', at: wireTime(now + outcome.afterSeconds * 1000) };
  if (outcome.for === 'agent' && outcome.pollSeconds !== undefined) {
    return { for: 'agent', at: wireTime(now + outcome.pollSeconds * 1000) };
  }
  return { for: 'agent' };
}

function heldWaitMilliseconds(wait: Wait, parts: ConductorParts): number {
  const at = wait.for === 'hold' ? undefined : wait.at;
  const limit = parts.settings.ingot.driver_poll_interval * 1000;
  return at === undefined ? limit : Math.max(0, Date.parse(at) - parts.clock.now());
}

/** The machine is rebooted into the agent by a step of its own, put before what comes then. */
async function rebootAgent(
  run: Run,
  step: OperationStep,
  thenRepeatStep: boolean,
  change: NodeCommit,
): Promise<RunEnd | undefined> {
  if (!run.driver.deploy.rebootAgent) {
    throw new InvalidParameterValue(
      `The step ${step.interface}.${step.step} asks for a reboot that the driver cannot do`,
    );
  }
  // What the step noted is there when it is repeated: without it, it would begin again and reboot without end.
  const args = thenRepeatStep ? { notes: run.operation.memo } : {};
  const reboot: OperationStep = { ...step, interface: 'flow', step: rebootStep, args, origin: 'flow' };
  const after = run.operation.steps.slice(run.operation.cursor + 1);
  return await nextStep(run, step, change, [reboot, ...(thenRepeatStep ? [step] : []), ...after]);
}

const isRebootStep = (step: OperationStep): boolean => step.origin === 'flow' && step.step === rebootStep;

function notesOf({ args }: OperationStep): Record<string, unknown> {
  // Written by `rebootAgent` alone.
  return (args['notes'] as Record<string, unknown> | undefined) ?? {};
}

/** The step as `clean_step`, `deploy_step` or `service_step` show it; the flow's own steps are not shown. */
export function shownStep(
  flow: Flow,
  step: OperationStep | undefined,
  node: NodeRecord,
): Partial<Pick<NodeRecord, 'clean_step' | 'deploy_step' | 'service_step'>> {
  if (!flow.stepField) return {};
  if (step && step.origin !== 'flow') {
    const { interface: type, step: name, args, priority, abortable } = step;
    return { [flow.stepField]: { interface: type, step: name, args, priority, abortable } };
  }
  return 'step' in node[flow.stepField] ? { [flow.stepField]: {} } : {};
}

/** Commits the end of the operation, and where the flow says so the beginning of the next on the same lock. */
async function finishOperation(run: Run, change: NodeCommit): Promise<RunEnd> {
  const { parts, node, operation, flow, driver } = run;
  const now = wireTime(parts.clock.now());
  const { next, ...end } = flow.finish({ operation, node: node.record, settings: parts.settings, now });
  const follower = next && newOperation(parts, node.record, driver, next.kind, next.input);
  await commitEnd(run, change, end, { state: 'done', error: null }, follower);
  return { kind: 'finished', ...(follower ? { next: follower } : {}) };
}

/** Without a task, because the node's driver is no longer there, nothing can be undone; the node is given back. */
async function failOperation(place: Place, task: Task | undefined, cause: unknown): Promise<RunEnd> {
  const { parts, node, operation, flow } = place;
  const message = hideInUrls(messageOf(cause));
  const error = message.slice(0, parts.settings.DEFAULT.log_in_db_max_size);
  const stepRan =
    operation.steps[operation.cursor]?.origin !== 'flow' && operation.cursor < operation.steps.length;
  if (operation.state !== 'failing') {
    parts.log.warn(
      { node: node.uuid, operation: operation.id, kind: operation.kind, err: cause },
      'operation failed',
    );
    await node.commit({ operation: { id: operation.id, changes: { state: 'failing', error, wait: null } } });
    Object.assign(operation, { state: 'failing', error });
  }
  await parts.checkpoint(`${operation.kind}:failing`, node.uuid);
  try {
    if (task) await flow.cleanUp?.(task, operation);
  } catch (cleanUpError) {
    task?.signal.throwIfAborted();
    parts.log.warn(
      { node: node.uuid, operation: operation.id, err: cleanUpError },
      'clean-up after a failure failed too',
    );
  }
  const state = operation.abort_requested ? 'aborted' : 'failed';
  const { next: _none, ...end } = flow.fail(operation, node.record, operation.error ?? error, stepRan);
  await commitEnd(place, {}, end, { state, error: operation.error ?? error });
  return { kind: 'finished' };
}

async function commitEnd(
  { parts, node, operation, flow }: Place,
  change: NodeCommit,
  end: Omit<FlowEnd, 'next'>,
  result: Pick<OperationRecord, 'state' | 'error'>,
  follower?: OperationRecord,
): Promise<void> {
  const { columns, tell, also, ...rest } = end;
  await node.commit({
    ...rest,
    columns: { ...change.columns, ...shownStep(flow, undefined, node.record), ...columns },
    operation: {
      id: operation.id,
      changes: { ...result, wait: null, finished_at: wireTime(parts.clock.now()) },
    },
    tell: [
      ...(change.tell ?? []),
      ...(tell ?? []),
      { kind: 'operation.finished', data: { kind: operation.kind, ...result } },
      ...(follower ? [{ kind: 'operation.started' as const, data: { kind: follower.kind } }] : []),
    ],
    also: async (transaction) => {
      await change.also?.(transaction);
      await also?.(transaction);
    },
    ...(follower ? { newOperation: follower } : {}),
    release: follower === undefined,
  });
}
