import {
  type NodeLock,
  NodeLockLost,
  releaseAtOnce,
  releaseNode,
  takeNode,
  takeNodeOver,
  writeLocked,
} from '#db/node-lock.ts';
import { readNode } from '#db/nodes.ts';
import { beginOperationAgain } from '#db/open-work.ts';
import type { Transaction } from '#db/store.ts';
import { NodeNotFound } from '#model/faults.ts';
import { type Log, logWith } from '#model/log.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { type Decide, type NodeCommit, raiseAll, tellOf } from './node-commit.ts';
import type { ConductorParts } from '../parts.ts';
import { Held, whenFree } from './when-free.ts';

/**
 * A node in this conductor's hands. Whatever changes a node under the lock goes through `commit`.
 * Disposing gives the node back if no commit did.
 */
export class LockedNode implements AsyncDisposable {
  readonly context: RequestContext;
  /** Its lines say the node, and the request that took it. */
  readonly log: Log;
  readonly #parts: ConductorParts;
  readonly #lock: NodeLock;
  #record: NodeRecord;
  #released = false;

  constructor(parts: ConductorParts, lock: NodeLock, record: NodeRecord, context: RequestContext) {
    this.#parts = parts;
    this.#lock = lock;
    this.#record = record;
    this.context = context;
    this.log = logWith(parts.log, { node: lock.uuid, request: context.requestId });
    parts.inHand.keep(lock);
  }

  /** The node as of the last commit. */
  get record(): NodeRecord {
    return this.#record;
  }

  get uuid(): string {
    return this.#lock.uuid;
  }

  get isReleased(): boolean {
    return this.#released;
  }

  /**
   * Ensures that the change is on the disk. Throws NodeLockLost when the node is no longer this conductor's;
   * then nothing was written and nothing further may be done to the machine.
   */
  async commit(change: NodeCommit): Promise<void> {
    if (this.#released) throw new NodeLockLost(this.#lock);
    const record = await this.#parts.store.write(async (transaction) => {
      const { columns, told } = raiseAll(this.#record, change, this.#parts.clock.now());
      const write = change.release ? releaseNode : writeLocked;
      const written = await write(transaction, this.#lock, columns);
      await tellOf(this.#parts, transaction, this, change, told);
      return written;
    });
    this.#record = record;
    if (!change.release) return;
    this.#released = true;
    this.letGo();
  }

  /** This process does nothing more with the node. One that is held still is whoever's that looks for what is left. */
  letGo(): void {
    this.#parts.inHand.letGo(this.#lock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    try {
      await this.#giveBack();
    } finally {
      this.letGo();
    }
  }

  async #giveBack(): Promise<void> {
    const { clock, settings, log, store } = this.#parts;
    // A store that is away for longer than this leaves it to the next look for what nobody is at.
    const deadline = clock.now() + settings.conductor.heartbeat_timeout * 1000;
    for (;;) {
      try {
        await store.write(async (transaction) => await releaseNode(transaction, this.#lock));
        return;
      } catch (error) {
        if (error instanceof NodeLockLost) return log.warn({ node: this.uuid }, error.message);
        if (clock.now() >= deadline) throw error;
        log.warn({ node: this.uuid, err: error }, 'could not give a node back yet');
      }
      await clock.sleep(settings.ingot.driver_poll_interval * 1000);
    }
  }
}

/**
 * Takes the node for this conductor, with a first change in the same transaction. `decide` looks at the node and
 * gives the change, or throws what forbids it. When somebody else holds the node it is tried again as
 * `[conductor]node_locked_retry_attempts` says; then NodeLocked. Throws NodeNotFound for a node that is gone.
 */
export async function lockNode(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
  decide: Decide = () => ({}),
  options: { patient?: boolean } = {},
): Promise<LockedNode> {
  return await whenFree(parts, uuid, async () => await tryToLock(parts, uuid, context, decide), options);
}

async function tryToLock(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
  decide: Decide,
): Promise<LockedNode | Held> {
  return await taking(parts, uuid, context, async (transaction) => {
    const before = await readNode(transaction, uuid);
    if (!before) throw new NodeNotFound({ node: uuid });
    if (before.reservation !== null) return new Held(before.reservation);
    const change = await decide(before, transaction);
    const { columns, told } = raiseAll(before, change, parts.clock.now());
    const taken = await takeNode(transaction, uuid, parts.hostname, columns);
    if (!taken) return new Held('another conductor');
    await tellOf(parts, transaction, { uuid, context }, change, told);
    return taken;
  });
}

/** Commits the taking of a node. It counts as in hand from before its commit, so that nobody takes it for left. */
async function taking<Other extends object>(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
  take: (transaction: Transaction) => Promise<{ lock: NodeLock; node: NodeRecord } | Other>,
): Promise<LockedNode | Other> {
  return await parts.inHand.taking(uuid, async () => {
    const taken = await parts.store.write(take);
    return 'lock' in taken ? new LockedNode(parts, taken.lock, taken.node, context) : taken;
  });
}

/**
 * Changes a node that nobody holds, in one transaction and without ever showing a reservation. Throws as
 * `lockNode` does.
 */
export async function changeFreeNode(
  parts: ConductorParts,
  uuid: string,
  context: RequestContext,
  decide: Decide,
): Promise<NodeRecord> {
  const node = await lockNode(parts, uuid, context, async (record, reading) => {
    const change = await decide(record, reading);
    return {
      ...change,
      also: async (transaction) => {
        await change.also?.(transaction);
        await releaseAtOnce(transaction, uuid);
      },
    };
  });
  node.letGo();
  return { ...node.record, reservation: null };
}

/**
 * Takes over a node held by a conductor that is gone, or by this host's earlier life, together with the open operation
 * that ran on it: begun once more, by this conductor. Undefined when either is not so any more.
 */
export async function takeOverNode(
  parts: ConductorParts,
  { id, from }: { id: string; from: NodeLock },
  context: RequestContext,
): Promise<{ node: LockedNode; operation: OperationRecord } | undefined> {
  let operation: OperationRecord | undefined;
  try {
    const node = await taking(parts, from.uuid, context, async (transaction) => {
      const taken = await takeNodeOver(transaction, from, parts.hostname);
      if (!taken) throw new NotLeft();
      operation = await beginOperationAgain(transaction, id, parts.hostname);
      // It ended or began to wait meanwhile: whoever did that still lives.
      if (!operation) throw new NotLeft();
      return taken;
    });
    return operation && node instanceof LockedNode ? { node, operation } : undefined;
  } catch (error) {
    if (error instanceof NotLeft) return undefined;
    throw error;
  }
}

class NotLeft extends Error {}
