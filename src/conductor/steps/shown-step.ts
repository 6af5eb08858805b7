import type { NodeColumns } from '#db/nodes.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { OperationStep } from '#protocol/operation.ts';
import type { Flow } from '../flows/flow.ts';

/** What `driver_internal_info` shows of a flow's steps, by the field that shows the running one. */
const shownLists = {
  clean_step: { steps: 'clean_steps', index: 'clean_step_index' },
  deploy_step: { steps: 'deploy_steps', index: 'deploy_step_index' },
  service_step: { steps: 'service_steps', index: 'service_step_index' },
} as const satisfies Record<NonNullable<Flow['stepField']>, { steps: string; index: string }>;

/** What a change carries after which no steps are shown, whichever flow they were of. */
export const noShownSteps: Readonly<Record<string, null>> = Object.fromEntries(
  Object.values(shownLists).flatMap(({ steps, index }) => [
    [steps, null],
    [index, null],
  ]),
);

/**
 * The columns with the running step added, as `clean_step`, `deploy_step` or `service_step` show it, and its place
 * among all as `driver_internal_info` does. The flow's own steps are not shown. `steps`: when they are not those that
 * are shown already. Without a step the flow is over, and nothing of it is shown.
 */
export function withShownStep(
  flow: Flow,
  node: Pick<NodeRecord, 'clean_step' | 'deploy_step' | 'service_step'>,
  columns: NodeColumns,
  running: { step: OperationStep; all: readonly OperationStep[]; isNewList: boolean } | null,
): NodeColumns {
  if (!flow.stepField) return columns;
  const names = shownLists[flow.stepField];
  const shown = running && running.step.origin !== 'flow' ? shownStep(running.step) : null;
  const wasShown = Object.keys(node[flow.stepField]).length > 0;
  return {
    ...columns,
    ...(shown ? { [flow.stepField]: shown } : wasShown ? { [flow.stepField]: {} } : {}),
    driver_internal_info: { ...columns.driver_internal_info, ...listed(names, running, shown !== null) },
  };
}

function listed(
  names: { steps: string; index: string },
  running: { step: OperationStep; all: readonly OperationStep[]; isNewList: boolean } | null,
  isShown: boolean,
): Record<string, unknown> {
  if (!running) return { [names.steps]: null, [names.index]: null };
  const all = running.all.filter(({ origin }) => origin !== 'flow');
  return {
    ...(running.isNewList ? { [names.steps]: all.map(shownStep) } : {}),
    [names.index]: isShown ? all.indexOf(running.step) : null,
  };
}

function shownStep({ interface: type, step, args, priority, abortable, onChildren }: OperationStep): object {
  const children = onChildren && {
    execute_on_child_nodes: true,
    limit_child_node_execution: onChildren,
  };
  return { interface: type, step, args, priority, abortable, ...children };
}
