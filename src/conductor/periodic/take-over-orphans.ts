import { takeOver } from '../membership/take-over.ts';
import { ownContext } from '../own-context.ts';
import type { ConductorWorkings } from '../workings.ts';
import type { PeriodicTask } from './periodic-task.ts';

/** Looks whose work is whose: now and then, and whenever told that it may have changed. */
export interface OrphanLook extends PeriodicTask {
  /** Looks as soon as a look that is under way is over. Tells of what fails in the log. */
  soon(workings: ConductorWorkings): void;
}

/**
 * Ensures: what the dead and the leaving left goes on, and what waits is with the conductor that the ring names. When:
 * every [conductor]check_provision_state_interval, at the start, and at once when a conductor comes or goes. Not its
 * business: what `takeOver` leaves alone.
 */
export function takeOverOrphans(): OrphanLook {
  let isLooking = false;
  let isAskedAgain = false;

  async function look(workings: ConductorWorkings): Promise<void> {
    const { inHand, random } = workings.parts;
    await takeOver(workings, ownContext(random), (held) => !inHand.has(held));
  }

  async function lookUntilNobodyAsks(workings: ConductorWorkings): Promise<void> {
    // What it handed over would come back to it before the others could take it, again and again.
    if (workings.operations.isLeaving) return;
    if (isLooking) {
      isAskedAgain = true;
      return;
    }
    isLooking = true;
    try {
      do {
        isAskedAgain = false;
        await look(workings);
      } while (isAskedAgain && workings.lease.holds);
    } finally {
      isLooking = false;
    }
  }

  return {
    name: 'take-over-orphans',
    spacingSeconds: (settings) => settings.conductor.check_provision_state_interval,
    run: lookUntilNobodyAsks,
    soon(workings) {
      if (!workings.lease.holds) return;
      void lookUntilNobodyAsks(workings).catch((error: unknown) => {
        if (!workings.lease.holds) return;
        workings.parts.log.error({ err: error }, 'could not look whose work is whose');
      });
    },
  };
}
