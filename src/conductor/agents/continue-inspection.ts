import { putInventory } from '#db/inventory.ts';
import { wireTime } from '#model/clock.ts';
import { NotFound } from '#model/faults.ts';
import type { ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import { nodeWithToken } from './agent-token.ts';
import type { ConductorWorkings } from '../workings.ts';

/** Stores what the agent found, then lets the inspection that waits for it go on. */
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
  if (!woken) throw new NotFound(`Node ${uuid} does not wait for an inspection`);
  return await nodeWithToken(parts, uuid);
}
