// The nodes that nobody holds, as periodic tasks look for them.
import type { NodeFault } from '#model/power-states.ts';
import type { ProvisionState, WaitStart } from '#model/provision-states.ts';
import type { NodePlace } from './ring.ts';
import type { Reader } from './store.ts';

/** What the nodes have in common besides being free. Each that is given narrows the list. */
export interface FreeNodeFilter {
  readonly driver?: string;
  readonly fault?: NodeFault;
  readonly maintenance?: boolean;
  readonly states?: readonly ProvisionState[];
  /** No change of their power state is under way. */
  readonly isPowerSettled?: true;
  /** They wait since before this time, which is written as on the wire. */
  readonly since?: { readonly field: WaitStart; readonly before: string };
  readonly limit?: number;
}

/** The free nodes, with what tells whose they are. */
export async function readFreeNodes(reader: Reader, filter: FreeNodeFilter): Promise<NodePlace[]> {
  const { driver, fault, maintenance, states, since, limit } = filter;
  let query = reader
    .selectFrom('nodes')
    .select(['uuid', 'driver', 'conductor_group'])
    .where('reservation', 'is', null);
  if (driver !== undefined) query = query.where('driver', '=', driver);
  if (fault !== undefined) query = query.where('fault', '=', fault);
  if (maintenance !== undefined) query = query.where('maintenance', '=', Number(maintenance));
  if (states !== undefined) query = query.where('provision_state', 'in', states);
  if (filter.isPowerSettled) query = query.where('target_power_state', 'is', null);
  if (since !== undefined) query = query.where(since.field, '<', since.before);
  if (limit !== undefined) query = query.limit(limit);
  return await query.execute();
}
