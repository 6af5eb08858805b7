import type { NodeRecord } from '#model/node-record.ts';
import type { OperationStep } from '#protocol/operation.ts';
import type { Flow } from './flows/flow.ts';

/** The step as `clean_step`, `deploy_step` or `service_step` show it; the flow's own steps are not shown. */
export function shownStep(
  flow: Flow,
  step: OperationStep | undefined,
  node: NodeRecord,
): Partial<Pick<NodeRecord, 'clean_step' | 'deploy_step' | 'service_step'>> {
  if (!flow.stepField) return {};
  if (step && step.origin !== 'flow') {
    const { interface: type, step: name, args, priority, abortable } = step;
    return { [flow.stepField]: { interface: type, step: name, args, priority, abortable } };
  }
  return 'step' in node[flow.stepField] ? { [flow.stepField]: {} } : {};
}
