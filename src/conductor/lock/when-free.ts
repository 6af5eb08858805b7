import { NodeLocked } from '#model/faults.ts';
import type { ConductorParts } from '../parts.ts';

/** Somebody else holds the node. */
export class Held {
  readonly by: string;
  constructor(by: string) {
    this.by = by;
  }
}

/** Tries until the node is free, as often as `lockNode` says; then throws NodeLocked. */
export async function whenFree<T>(
  parts: ConductorParts,
  uuid: string,
  attempt: () => Promise<T | Held>,
  options: { patient?: boolean } = {},
): Promise<T> {
  const { node_locked_retry_attempts: attempts, node_locked_retry_interval: interval } =
    parts.settings.conductor;
  const tries = options.patient === false ? 1 : Math.max(1, attempts);
  for (let tried = 1; ; tried += 1) {
    const outcome = await attempt();
    if (!(outcome instanceof Held)) return outcome;
    parts.metrics?.count('ingot_lock_waits_total', { outcome: tried >= tries ? 'refused' : 'tried again' });
    if (tried >= tries) throw new NodeLocked({ node: uuid, host: outcome.by });
    await parts.clock.sleep(interval * 1000);
  }
}
