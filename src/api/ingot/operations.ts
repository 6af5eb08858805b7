// GET /ingot/v1/nodes/{node}/operations: what is being done to a node and how far it is, and what was done before.
import { readOperations } from '#db/operations.ts';
import type { OperationRecord, OperationStep, Wait } from '#protocol/operation.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { nodeUuidOf } from './seen-nodes.ts';

const names: ReadonlySet<string> = new Set(['limit']);

/** More than are kept of one node. */
const mostOperations = 100;

/** Newest first. */
export async function listOperations(call: Call): Promise<Answer> {
  call.query.allowOnly(names);
  const limit = call.query.limit(mostOperations);
  const operations = await readOperations(call.parts.store.read, await nodeUuidOf(call), limit);
  return ok(JSON.stringify({ operations: operations.map(shownOperation) }));
}

interface ShownOperation {
  id: string;
  kind: string;
  state: string;
  steps: Omit<OperationStep, 'args'>[];
  cursor: number;
  attempt: number;
  wait: Wait | null;
  progress: Record<string, string | number | null> | null;
  error: string | null;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
}

/** Named member by member: arguments of steps, what was asked for and what steps note may hold secrets. */
function shownOperation(operation: OperationRecord): ShownOperation {
  const { id, kind, state, cursor, attempt, wait, error, created_at, updated_at, finished_at } = operation;
  const steps = operation.steps.map(({ interface: type, step, priority, abortable, origin }) => ({
    interface: type,
    step,
    priority,
    abortable,
    origin,
  }));
  const progress = shownProgress(operation.memo['progress']);
  return {
    id,
    kind,
    state,
    steps,
    cursor,
    attempt,
    wait: state === 'waiting' ? wait : null,
    progress,
    error,
    created_at,
    updated_at,
    finished_at,
  };
}

const progressMembers = ['phase', 'device', 'bytes_done', 'bytes_total', 'percent'] as const;

/** What the agent told last of its command (CommandProgress); null before it told anything. */
function shownProgress(progress: unknown): ShownOperation['progress'] {
  if (typeof progress !== 'object' || progress === null) return null;
  const told: Partial<Record<string, unknown>> = { ...progress };
  return Object.fromEntries(
    progressMembers.map((name) => {
      const value = told[name];
      return [name, typeof value === 'string' || typeof value === 'number' ? value : null];
    }),
  );
}
