// Who may begin when a limit on what is at work is reached, and when.
import type { Settings } from '#config/settings.ts';
import type { Reader, Transaction } from '#db/store.ts';
import {
  concurrencyLimits,
  hasOwnInQueue,
  lockTurns,
  type Queue,
  queueNow,
  readFirstInQueue,
  readGroupsInQueue,
  readNextRound,
  readPlaceInQueue,
  readQueueState,
  type Waiter,
} from '#db/turns.ts';
import { ConcurrentActionLimit } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { ConcurrencyLimit, OperationKind, OperationRecord } from '#protocol/operation.ts';
import type { ConductorParts } from '../parts.ts';

/** The kinds of operations whose end leaves a place for another. */
const limitedKinds: readonly OperationKind[] = ['deploy', 'clean', 'tear down'];

/** Where an operation waits for its turn. */
export interface Turn {
  readonly limit: ConcurrencyLimit;
  readonly round: number;
}

/** The queue in which a node's operations wait. */
function queueOf(
  { settings, clock }: ConductorParts,
  limit: ConcurrencyLimit,
  { conductor_group: conductorGroup }: Pick<NodeRecord, 'conductor_group'>,
): Queue {
  const { max_concurrent_per_conductor_group: perGroup } = settings.conductor;
  return queueNow({ limit, ...(perGroup && { conductorGroup }) }, settings, clock);
}

function mostAtWork({ conductor }: Settings, { limit }: Queue): number {
  return limit === 'deploy' ? conductor.max_concurrent_deploy : conductor.max_concurrent_clean;
}

/**
 * Whether an operation may begin at once (null) or waits for its turn. Nobody goes before those who wait and can be
 * begun. Throws ConcurrentActionLimit where the options say so, or when too many wait already.
 */
export async function takeTurn(
  parts: ConductorParts,
  transaction: Transaction,
  node: NodeRecord,
  limit: ConcurrencyLimit,
): Promise<Turn | null> {
  const { settings } = parts;
  await lockTurns(transaction, limit);
  const queue = queueOf(parts, limit, node);
  const { atWork, waiting, inTurn } = await readQueueState(transaction, queue);
  if (atWork + inTurn < mostAtWork(settings, queue)) return null;
  const { when_limit_reached, turn_queue_limit } = settings.ingot;
  if (when_limit_reached === 'refuse' || waiting >= turn_queue_limit)
    throw new ConcurrentActionLimit({ task_type: limit });
  return { limit, round: await readNextRound(transaction, queue, node) };
}

/** Whether it is the turn of an operation that waits for it; nobody else takes it while the transaction is open. */
export async function isItsTurn(
  { settings }: ConductorParts,
  transaction: Transaction,
  queue: Queue,
  operation: OperationRecord,
): Promise<boolean> {
  await lockTurns(transaction, queue.limit);
  const { atWork } = await readQueueState(transaction, queue);
  return (await readPlaceInQueue(transaction, queue, operation)) <= mostAtWork(settings, queue) - atWork;
}

/** An operation ended: where it counted against a limit, those who wait are told that there is a place. */
export function freeTurn({ signals }: ConductorParts, { kind }: Pick<OperationRecord, 'kind'>): void {
  if (limitedKinds.includes(kind)) signals.tell('turns.freed', {});
}

/** Begins this conductor's operations that wait for their turn, when it comes. */
export class Turns {
  readonly #parts: ConductorParts;
  readonly #stopping: AbortSignal;
  readonly #begin: (waiter: Waiter, queue: Queue) => Promise<void>;
  #isWatching = false;
  #look = new AbortController();

  /** `begin` does nothing when it is not the operation's turn after all. */
  constructor(
    parts: ConductorParts,
    stopping: AbortSignal,
    begin: (waiter: Waiter, queue: Queue) => Promise<void>,
  ) {
    this.#parts = parts;
    this.#stopping = stopping;
    this.#begin = begin;
    const forget = parts.signals.on('turns.freed', () => this.#look.abort());
    stopping.addEventListener('abort', forget, { once: true });
  }

  /** Ensures that there is somebody to look for turns, for as long as an operation of this conductor waits. */
  watch(): void {
    this.#look.abort();
    if (this.#isWatching) return;
    this.#isWatching = true;
    void this.#watch().finally(() => (this.#isWatching = false));
  }

  async #watch(): Promise<void> {
    const { clock, settings, store, hostname, log } = this.#parts;
    while (!this.#stopping.aborted) {
      // Made before the look: what is told meanwhile is not missed.
      this.#look = new AbortController();
      const again = AbortSignal.any([this.#stopping, this.#look.signal]);
      try {
        for (const queue of await this.#queues(store.read)) await this.#beginThoseWhoseTurnItIs(queue);
        if (!(await hasOwnInQueue(store.read, hostname)) && !this.#look.signal.aborted) return;
      } catch (error) {
        log.debug({ err: error }, 'could not look for turns yet');
      }
      await clock.sleep(settings.ingot.turn_poll_interval * 1000, again).catch(() => {});
    }
  }

  async #queues(reader: Reader): Promise<Queue[]> {
    const { settings, clock } = this.#parts;
    const now = (queue: Omit<Queue, 'heardSince'>): Queue => queueNow(queue, settings, clock);
    if (!settings.conductor.max_concurrent_per_conductor_group)
      return concurrencyLimits.map((limit) => now({ limit }));
    const queues = await Promise.all(
      concurrencyLimits.map(async (limit) =>
        (await readGroupsInQueue(reader, limit)).map((conductorGroup) => now({ limit, conductorGroup })),
      ),
    );
    return queues.flat();
  }

  async #beginThoseWhoseTurnItIs(queue: Queue): Promise<void> {
    const { store, settings, hostname, log } = this.#parts;
    const { atWork, inTurn } = await readQueueState(store.read, queue);
    const places = Math.min(inTurn, mostAtWork(settings, queue) - atWork);
    if (places <= 0) return;
    for (const waiter of await readFirstInQueue(store.read, queue, places)) {
      if (waiter.owner !== hostname) continue;
      await this.#begin(waiter, queue).catch((error: unknown) => {
        log.debug(
          { node: waiter.node_uuid, operation: waiter.id, err: error },
          'could not begin an operation whose turn it is yet',
        );
      });
    }
  }
}
