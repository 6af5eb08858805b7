import { NodeLockLost, releaseAtOnce } from '#db/node-lock.ts';
import { readOpenOperation, readOpenOperations, updateOperation } from '#db/operations.ts';
import { type NodeColumns, readNode } from '#db/nodes.ts';
import type { OpenWork } from '#db/open-work.ts';
import type { Transaction } from '#db/store.ts';
import type { Queue, Waiter } from '#db/turns.ts';
import { composeDriver } from '#drivers/compose.ts';
import { wireTime } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { isWaiting } from '#model/provision-states.ts';
import type { FaultClass, OperationInput, OperationKind, OperationRecord } from '#protocol/operation.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { flows } from '../flows/all.ts';
import { type LockedNode, lockNode, takeOverNode } from '../lock/locked-node.ts';
import { newOperation } from './new-operation.ts';
import { tellTrace, withTrace } from './operation-trace.ts';
import type { Decide, NodeCommit } from '../lock/node-commit.ts';
import { ownContext } from '../own-context.ts';
import type { Lease } from '../membership/lease.ts';
import type { ConductorParts } from '../parts.ts';
import { runOperation } from '../run-steps.ts';
import { withShownStep } from '../steps/shown-step.ts';
import { freeTurn, isItsTurn, type Turn, Turns } from '../waits/turns.ts';
import { WaitTimers } from '../waits/wait-timers.ts';
import type { WorkerPlace, WorkerPool } from './worker-pool.ts';

/** What begins with an operation: its input, and the rest of the commit that accepts it. */
export interface Beginning extends Pick<NodeCommit, 'raise' | 'target' | 'columns' | 'history' | 'also'> {
  input: OperationInput;
  /** Waits for its turn first; the node is nobody's meanwhile. */
  turn?: Turn | null;
}

/** Begins operations, runs them on the pool, and wakes those that wait. */
export class Operations {
  readonly #parts: ConductorParts;
  readonly #pool: WorkerPool;
  readonly #lease: Lease;
  readonly #timers: WaitTimers;
  readonly #turns: Turns;
  readonly #leaving = new AbortController();

  constructor(parts: ConductorParts, pool: WorkerPool, lease: Lease) {
    this.#parts = parts;
    this.#pool = pool;
    this.#lease = lease;
    this.#timers = new WaitTimers(parts, lease.stopping, async (uuid) => await this.#wakeInTime(uuid));
    this.#turns = new Turns(
      parts,
      lease.stopping,
      async (waiter, queue) => await this.#beginInTurn(waiter, queue),
    );
  }

  /**
   * Accepts an operation: lock, transition and operation in one commit; then it runs by itself. `decide` throws
   * what forbids it, with nothing changed. Throws NodeLocked, NodeNotFound, NoFreeConductorWorker.
   */
  async begin(
    uuid: string,
    kind: OperationKind,
    context: RequestContext,
    decide: (...args: Parameters<Decide>) => Beginning | Promise<Beginning>,
  ): Promise<void> {
    const signal = this.#mayAct();
    using place = this.#pool.reserve();
    let operation: OperationRecord | undefined;
    let replaced: OperationRecord | undefined;
    const node = await lockNode(this.#parts, uuid, context, async (record, transaction) => {
      const { input: asked, turn = null, ...commit } = await decide(record, transaction);
      const input = withTrace(asked, context);
      const driver = composeDriver(this.#parts.registry, record);
      const planned = { ...record, ...commit.columns };
      operation = { ...newOperation(this.#parts, planned, driver, kind, input), ...waitingFor(turn) };
      if (kind !== 'power') replaced = await this.#replaceWaiting(transaction, uuid, kind);
      return {
        ...commit,
        newOperation: operation,
        columns: shownAtBegin(operation, record, commit.columns),
        tell: [
          ...(replaced ? [finished(replaced)] : []),
          turn
            ? { kind: 'operation.queued', data: { kind, limit: turn.limit } }
            : { kind: 'operation.started', data: { kind } },
        ],
        also: async (writing) => {
          await commit.also?.(writing);
          if (turn) await releaseAtOnce(writing, uuid);
        },
      };
    });
    if (replaced) {
      tellTrace(this.#parts, replaced, replaced);
      freeTurn(this.#parts, replaced);
    }
    if (!operation) throw new Error('lockNode returned without having called decide');
    const { id, queue: limit } = operation;
    if (limit !== null) {
      node.letGo();
      this.#parts.log.info(
        { node: uuid, operation: id, request: context.requestId, kind, limit },
        'operation waits for its turn',
      );
      this.#turns.watch();
      return;
    }
    this.#parts.log.info({ node: uuid, operation: id, kind, request: context.requestId }, 'operation begun');
    await this.#parts.checkpoint(`${kind}:begun`, uuid).catch((error: unknown) => {
      node.letGo();
      throw error;
    });
    this.#run(place, { node, operation, signal });
  }

  /** The signal of the present term, for work that begins in it. Throws LeaseLapsed. */
  #mayAct(): AbortSignal {
    const { signal } = this.#lease;
    signal.throwIfAborted();
    return signal;
  }

  /** What waited when something else was accepted, as removal is in `wait call-back`, is over. */
  async #replaceWaiting(
    transaction: Transaction,
    uuid: string,
    by: OperationKind,
  ): Promise<OperationRecord | undefined> {
    const waiting = await readOpenOperation(transaction, uuid);
    if (!waiting) return undefined;
    const now = wireTime(this.#parts.clock.now());
    const error = `Replaced by the operation '${by}'`;
    const ended = { state: 'aborted', error, updated_at: now, finished_at: now } as const;
    await updateOperation(transaction, waiting.id, { ...ended, ...waitsNoMore });
    return { ...waiting, ...ended };
  }

  /**
   * Goes on with a waiting operation: the agent was heard of, or the time has come. Does nothing when it is
   * not waiting, and says so; throws NodeLocked when it is in somebody's hands. `change` and `memo` come with the
   * same commit. May be repeated.
   */
  async wake(
    uuid: string,
    context: RequestContext,
    change: NodeCommit = {},
    memo: Record<string, unknown> = {},
  ): Promise<boolean> {
    const operation = await readOpenOperation(this.#parts.store.read, uuid);
    if (operation?.state !== 'waiting') return false;
    // Neither a turn nor the time to try again comes with a sign of life; a hold ends with an operator's word alone.
    const { wait } = operation;
    if (wait?.for === 'turn' || wait?.for === 'retry') return false;
    if (wait?.for === 'hold' && memo['released'] !== true) return false;
    const running = { state: 'running', wait: null, memo: { ...operation.memo, ...memo } } as const;
    return await this.#goOn(operation, context, () => change, running);
  }

  /** As `wake`, because the time has come. A look is no sign of life: the wait goes on to be measured from its beginning. */
  async #wakeInTime(uuid: string): Promise<void> {
    const operation = await readOpenOperation(this.#parts.store.read, uuid);
    if (operation?.state !== 'waiting' || this.#leaving.signal.aborted) return;
    // It was another wait that the time was set for, or a sign of life that could not be heard then.
    const { wait } = operation;
    if (wait?.for === 'hold' || wait?.for === 'turn') return;
    if (wait?.for === 'retry' && Date.parse(wait.at) > this.#parts.clock.now())
      return this.#timers.set(uuid, wait);
    if (!(await this.#isOurs(operation))) return;
    const context = ownContext(this.#parts.random);
    if (operation.wait?.for === 'retry') {
      await this.#goOn(operation, context, () => ({ tell: startedAgain(operation) }), begun);
      return;
    }
    const measuredOn: Decide = ({ provision_updated_at }) => ({ columns: { provision_updated_at } });
    await this.#goOn(operation, context, measuredOn, { state: 'running' });
  }

  /** False when it came to another conductor meanwhile, which wakes it. */
  async #isOurs({ owner, node_uuid: uuid }: OperationRecord): Promise<boolean> {
    const { hostname, store, ring } = this.#parts;
    if (owner === hostname) return true;
    const node = await readNode(store.read, uuid);
    return node !== undefined && (await ring.findHost(node)) === hostname;
  }

  /** Begins an operation that waited, if it is its turn; nobody else takes the place meanwhile. */
  async #beginInTurn({ id, node_uuid: uuid }: Waiter, queue: Queue): Promise<void> {
    const operation = await readOpenOperation(this.#parts.store.read, uuid);
    if (operation?.id !== id || operation.queue === null) return;
    const inTurn: Decide = async (_node, transaction) => {
      if (!(await isItsTurn(this.#parts, transaction, queue, operation))) throw new NotWaiting();
      return { tell: startedAgain(operation) };
    };
    // It was accepted: a pool that is full lets it wait, and nobody who comes after it waits for its sake.
    await this.#goOn(operation, ownContext(this.#parts.random), inTurn, begun, { evenIfFull: true });
  }

  /** As `wake`, as soon as whoever holds the node gives it back. */
  wakeWhenFree(uuid: string): void {
    const soon = this.#parts.clock.now() + this.#parts.settings.ingot.driver_poll_interval * 1000;
    this.#timers.set(uuid, { for: 'poll', at: wireTime(soon) });
  }

  async #goOn(
    operation: OperationRecord,
    context: RequestContext,
    decide: Decide,
    changes: Partial<OperationRecord>,
    reserve: { evenIfFull?: boolean } = {},
  ): Promise<boolean> {
    const signal = this.#mayAct();
    using place = this.#pool.reserve(reserve);
    const locked = await this.#lockWaiting(operation, context, decide, changes);
    if (locked) this.#run(place, { ...locked, signal });
    return locked !== undefined;
  }

  /**
   * Ends a waiting operation as failed because its time is over, or as aborted. What it began is undone, then the
   * node is in its failed state. Does nothing, and says so, when it waits no more in the step it was seen in, or when
   * `applies` says no to the node as it is at that moment. Throws NodeLocked.
   */
  async endWaiting(
    operation: OperationRecord,
    context: RequestContext,
    error: string,
    options: { aborted: boolean; fault?: FaultClass | null; applies?: (node: NodeRecord) => boolean },
  ): Promise<boolean> {
    const { aborted: abort_requested, fault = null } = options;
    const failing = { state: 'failing', error, fault, wait: null, abort_requested } as const;
    const decide: Decide = (node) => {
      if (options.applies?.(node) === false) throw new NotWaiting();
      return {};
    };
    return await this.#goOn(operation, context, decide, failing);
  }

  async #lockWaiting(
    operation: OperationRecord,
    context: RequestContext,
    decideRest: Decide,
    changes: Partial<OperationRecord>,
  ): Promise<{ node: LockedNode; operation: OperationRecord } | undefined> {
    const { node_uuid: uuid } = operation;
    // What only a wait for a turn has goes with it.
    const owned = { owner: this.#parts.hostname, queue: null, round: null, ...changes };
    let locked = operation;
    const decide: Decide = async (record, transaction) => {
      const now = await readOpenOperation(transaction, uuid);
      // Somebody else woke it between the look and the lock.
      const isSame = now?.id === operation.id && now.cursor === operation.cursor;
      if (!isSame || now.state !== 'waiting') throw new NotWaiting();
      locked = { ...now, ...owned };
      const resumes = isWaiting(record.provision_state) && changes.state === 'running';
      return {
        ...(await decideRest(record, transaction)),
        ...(resumes ? { raise: ['resume'] } : {}),
        operation: { id: operation.id, changes: owned },
      };
    };
    try {
      const node = await lockNode(this.#parts, uuid, context, decide, { patient: false });
      this.#timers.clear(uuid);
      return { node, operation: locked };
    } catch (error) {
      if (error instanceof NotWaiting) return undefined;
      throw error;
    }
  }

  /** Ensures that a waiting operation of this conductor is woken in its time, or its turn. May be repeated. */
  expect({ uuid, wait }: Pick<OpenWork, 'uuid' | 'wait'>): void {
    if (wait?.for === 'turn') this.#turns.watch();
    else if (wait) this.#timers.ensure(uuid, wait);
  }

  /**
   * Goes on, from its last committed step, with an operation that whoever holds its node left. Does nothing when
   * somebody else came before.
   */
  async takeOver({ uuid, id, ...held }: OpenWork, context: RequestContext): Promise<void> {
    const { reservation: holder, reservation_epoch: epoch } = held;
    if (holder === null) return;
    const signal = this.#mayAct();
    const taken = await takeOverNode(this.#parts, { id, from: { uuid, holder, epoch } }, context);
    if (!taken) return;
    const { kind, cursor } = taken.operation;
    this.#parts.log.info(
      { node: uuid, operation: id, request: context.requestId, kind, cursor, from: holder },
      'goes on with an operation from its last committed step',
    );
    // What was accepted runs: it is not refused as new work would be.
    using place = this.#pool.reserve({ evenIfFull: true });
    this.#run(place, { ...taken, signal });
  }

  /** From now on what runs is handed over at its next committed step, and what waits is for others to wake. */
  leave(): void {
    this.#leaving.abort();
  }

  get isLeaving(): boolean {
    return this.#leaving.signal.aborted;
  }

  /** The step at the cursor was begun before, and how far it came is not known; one that fails begins none. */
  async #beginAgain(node: LockedNode, operation: OperationRecord): Promise<OperationRecord> {
    const attempt = operation.attempt + (operation.state === 'running' ? 1 : 0);
    const changes = { attempt, owner: this.#parts.hostname };
    await node.commit({ operation: { id: operation.id, changes } });
    return { ...operation, ...changes };
  }

  #run(place: WorkerPlace, { node, operation, signal }: Taken): void {
    place.run(node.record.owner ?? '', async () => {
      let toRun: OperationRecord | undefined = operation;
      while (toRun) {
        toRun = await this.#runOnce({ node, operation: toRun, signal });
      }
      node.letGo();
    });
  }

  /** Gives what is to be run next on the node: what follows, or the same again when it was the store that failed. */
  async #runOnce({ node, operation, signal }: Taken): Promise<OperationRecord | undefined> {
    try {
      const end = await runOperation(this.#parts, node, operation, { signal, leaving: this.#leaving.signal });
      if (end.kind === 'finished') return end.next;
      if (this.#leaving.signal.aborted) this.#tellHandedOver();
      else if (end.kind === 'waits') this.#timers.set(node.uuid, end.wait);
      return undefined;
    } catch (error) {
      // The row stands as committed: whoever holds the node now, or starts next, goes on from it.
      if (this.#lease.stopping.aborted) return undefined;
      const fields = { operation: operation.id, err: error };
      if (error instanceof NodeLockLost || signal.aborted) {
        node.log.warn(fields, 'left an operation to whoever holds its node now');
        return undefined;
      }
      node.log.error(fields, 'could not go on with an operation; tries again from its last committed step');
      return await this.#whenStoreWorks({ node, operation, signal });
    }
  }

  #tellHandedOver(): void {
    const { signals, hostname } = this.#parts;
    signals.tell('conductors.changed', { hostname, online: false });
  }

  /** The node's operation as committed, once the store takes commits again; undefined when it is not ours any more. */
  async #whenStoreWorks({ node, operation: { id }, signal }: Taken): Promise<OperationRecord | undefined> {
    const pause = this.#parts.settings.ingot.driver_poll_interval * 1000;
    for (;;) {
      try {
        await this.#parts.clock.sleep(pause, signal);
        const open = await readOpenOperations(this.#parts.store.read);
        const operation = open.find((one) => one.id === id);
        return operation && (await this.#beginAgain(node, operation));
      } catch (error) {
        if (signal.aborted || error instanceof NodeLockLost) return undefined;
        node.log.error({ operation: id, err: error }, 'the store does not take commits yet');
      }
    }
  }
}

/** The columns of an operation that waits for its turn; it was never begun. */
function waitingFor(turn: Turn | null): Partial<OperationRecord> {
  if (!turn) return {};
  const { limit, round } = turn;
  return { state: 'waiting', wait: { for: 'turn', limit }, queue: limit, round, attempt: 0 };
}

const waitsNoMore = { wait: null, queue: null, round: null } as const;
const begun = { state: 'running', attempt: 1, ...waitsNoMore } as const;

function startedAgain({ kind, retries }: OperationRecord): NonNullable<NodeCommit['tell']> {
  return [{ kind: 'operation.started', data: { kind, ...(retries > 0 ? { retries } : {}) } }];
}

/** What is told of an operation that another one replaced. */
function finished({ id, kind, state, error, fault }: OperationRecord): TellOf {
  return { kind: 'operation.finished', operation: id, data: { kind, state, error, fault } };
}

type TellOf = NonNullable<NodeCommit['tell']>[number];

/** A node in hand, the operation to run on it, and the signal of the term in which it was taken. */
interface Taken {
  readonly node: LockedNode;
  readonly operation: OperationRecord;
  readonly signal: AbortSignal;
}

function shownAtBegin(
  { kind, steps }: OperationRecord,
  node: NodeRecord,
  columns: NodeColumns = {},
): NodeColumns {
  const [step] = steps;
  return withShownStep(flows[kind], node, columns, step ? { step, all: steps, isNewList: true } : null);
}

class NotWaiting extends Error {}
