import { putInventory } from '#db/inventory.ts';
import { readOpenOperation } from '#db/operations.ts';
import { wireTime } from '#model/clock.ts';
import { NotFound, TemporaryFailure } from '#model/faults.ts';
import type { ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import { nodeWithToken } from './agent-token.ts';
import type { ConductorWorkings } from '../workings.ts';

/**
 * Stores what the agent found, then lets the inspection that waits for it go on. Throws NotFound where none is, and
 * TemporaryFailure where one is just being looked at or taken over: it waits again in a moment.
 */
export async function continueInspection(
  { parts, operations }: ConductorWorkings,
  { node: uuid, inventory, pluginData }: ConductorCalls['continue_inspection']['args'],
  context: RequestContext,
): Promise<ConductorCalls['continue_inspection']['result']> {
  const found = { inventory, plugin_data: pluginData };
  const woken = await operations.wake(
    uuid,
    context,
    {
      also: async (transaction) => await putInventory(transaction, uuid, found, wireTime(parts.clock.now())),
    },
    { received: true },
  );
  if (!woken) {
    const operation = await readOpenOperation(parts.store.read, uuid);
    if (operation?.kind === 'inspect' && operation.state === 'running') throw new TemporaryFailure();
    throw new NotFound(`Node ${uuid} does not wait for an inspection`);
  }
  return await nodeWithToken(parts, uuid);
}
