import { wireTime } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { OperationRecord } from '#protocol/operation.ts';

/** A deployment of the node that is at its first step, but for what the test says of it. */
export function anOperation(
  node: Pick<NodeRecord, 'id' | 'uuid'>,
  own: Partial<OperationRecord> = {},
): OperationRecord {
  const now = wireTime(Date.now());
  return {
    id: crypto.randomUUID(),
    node_id: node.id,
    node_uuid: node.uuid,
    kind: 'deploy',
    state: 'running',
    input: {},
    steps: ['deploy', 'write_image', 'boot_instance'].map((step) => ({
      interface: 'deploy',
      step,
      args: {},
      priority: 50,
      abortable: false,
      origin: 'driver' as const,
    })),
    cursor: 0,
    attempt: 1,
    memo: {},
    wait: null,
    abort_requested: false,
    error: null,
    fault: null,
    retries: 0,
    queue: null,
    round: null,
    once_begun: false,
    owner: 'somebody',
    created_at: now,
    updated_at: now,
    finished_at: null,
    ...own,
  };
}
