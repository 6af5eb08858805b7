import { addEvent } from '#db/events.ts';
import { updateNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import { NodeNotFound } from '#model/faults.ts';
import type { ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import { nodeSubject } from '#notifications/subject.ts';
import type { ConductorParts } from '../parts.ts';

/**
 * Sets maintenance or ends it, with the fault that led to it. A node may be held meanwhile: it stops nothing that
 * runs, and an operator must be able to. Throws NodeNotFound. May be repeated.
 */
export async function setMaintenance(
  parts: ConductorParts,
  { node: uuid, maintenance, reason }: ConductorCalls['set_maintenance']['args'],
  context: RequestContext,
): Promise<void> {
  const at = wireTime(parts.clock.now());
  await parts.store.write(async (transaction) => {
    const columns = {
      maintenance,
      maintenance_reason: maintenance ? reason : null,
      ...(maintenance ? {} : { fault: null }),
    };
    const node = await updateNode(transaction, uuid, { ...columns, updated_at: at });
    if (!node) throw new NodeNotFound({ node: uuid });
    await addEvent(
      transaction,
      {
        at,
        kind: 'maintenance.changed',
        node_uuid: uuid,
        operation_id: null,
        request_id: context.requestId,
        data: { maintenance, reason },
      },
      nodeSubject(parts.settings, 'api', node),
    );
  });
}
