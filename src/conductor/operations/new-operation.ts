import type { Driver } from '#drivers/define.ts';
import { wireTime } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { OperationInput, OperationKind, OperationRecord } from '#protocol/operation.ts';
import { flows } from '../flows/all.ts';
import type { ConductorParts } from '../parts.ts';

/** An operation at its beginning: planned, its first step begun. */
export function newOperation(
  parts: ConductorParts,
  node: NodeRecord,
  driver: Driver,
  kind: OperationKind,
  input: OperationInput,
): OperationRecord {
  const now = wireTime(parts.clock.now());
  return {
    id: parts.random.uuid(),
    node_id: node.id,
    node_uuid: node.uuid,
    kind,
    state: 'running',
    input,
    steps: flows[kind].plan({ node, driver, settings: parts.settings, input }),
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
    owner: parts.hostname,
    created_at: now,
    updated_at: now,
    finished_at: null,
  };
}
