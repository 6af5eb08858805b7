import { setImmediate as nextTurn } from 'node:timers/promises';
import { TemporaryFailure } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';

/** What the queue needs of a database: statements that open, close and undo. */
export interface TransactionControl {
  exec(sql: string): void;
}

type Outcome = { value: unknown } | { error: unknown };

interface Job {
  run(): Promise<unknown>;
  settle(outcome: Outcome): void;
}

interface Ran {
  job: Job;
  outcome: Outcome;
}

export interface CommitLimits {
  /** How many jobs share a commit at most; more would keep the first of them waiting for long. */
  batch: number;
  /** How many may wait; one more is refused with TemporaryFailure. */
  queue: number;
}

/**
 * Runs write transactions one after the other on one connection, and lets those that arrive together
 * share one commit, so that they share its sync to the disk. Each runs in a savepoint of its own: one
 * that throws undoes itself only. Nobody is told an outcome before the commit that holds it returned.
 *
 * A job must await nothing but its own queries: whatever it waits for, all writers wait for.
 */
export class CommitQueue {
  readonly #control: TransactionControl;
  readonly #limits: CommitLimits;
  #waiting: Job[] = [];
  #draining: Promise<void> | undefined;

  constructor(control: TransactionControl, limits: CommitLimits) {
    this.#control = control;
    this.#limits = limits;
  }

  async write<T>(run: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= this.#limits.queue) throw new TemporaryFailure();
    return await new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        run,
        settle: (outcome) => {
          if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.value as T); // The value is what this very job's `run` returned.
        },
      });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when everything that was asked for is committed. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commitBatch();
    this.#draining = undefined;
  }

  async #commitBatch(): Promise<void> {
    const ran: Ran[] = [];
    try {
      this.#control.exec('BEGIN IMMEDIATE');
      await this.#runWaiting(ran);
      // One turn of the event loop: what arrived in the same poll of the sockets joins this commit.
      await nextTurn();
      await this.#runWaiting(ran);
      this.#control.exec('COMMIT');
    } catch (cause) {
      const reason = messageOf(cause);
      const error = new TemporaryFailure(`The database could not commit: ${reason}`, { cause });
      this.#rollBack();
      // Without its commit nothing of the batch happened. If not even one could begin, the first in line is told.
      const lost = ran.length > 0 ? ran.map(({ job }) => job) : this.#waiting.splice(0, 1);
      for (const job of lost) job.settle({ error });
      return;
    }
    for (const { job, outcome } of ran) job.settle(outcome);
  }

  async #runWaiting(ran: Ran[]): Promise<void> {
    while (ran.length < this.#limits.batch) {
      const job = this.#waiting.shift();
      if (!job) return;
      // In the list before it runs: whatever becomes of the transaction, it is told.
      const one: Ran = { job, outcome: { value: undefined } };
      ran.push(one);
      one.outcome = await this.#runInSavepoint(job);
    }
  }

  async #runInSavepoint(job: Job): Promise<Outcome> {
    this.#control.exec('SAVEPOINT job');
    try {
      const value = await job.run();
      this.#control.exec('RELEASE job');
      return { value };
    } catch (error) {
      this.#undoJob(error);
      return { error };
    }
  }

  /** Throws the job's error when a full or broken disk made the database undo the whole transaction by itself. */
  #undoJob(error: unknown): void {
    try {
      this.#control.exec('ROLLBACK TO job');
      this.#control.exec('RELEASE job');
    } catch {
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.#control.exec('ROLLBACK');
    } catch {
      // The failed statement already ended the transaction; there is nothing left to undo.
    }
  }
}
