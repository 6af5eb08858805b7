// Steps as a request names them: clean_steps, service_steps, deploy_steps of PUT states/provision.
import { InvalidParameterValue, StepNotAllowed } from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { AskedStep } from '#protocol/operation.ts';
import { canonicalUuid } from '../identity.ts';

export type StepKind = 'clean' | 'deploy' | 'service';

/** Interfaces that have steps a request may name (ironic api/controllers/v1/utils.py, 2026.2). */
const stepInterfaces = ['vendor', 'power', 'management', 'firmware', 'deploy', 'bios', 'raid'];

/** What a step may have beside `interface` and `step`, and whether it must. */
const stepKeys: Record<StepKind, Readonly<Record<string, 'optional' | 'required'>>> = {
  clean: {
    args: 'optional',
    order: 'optional',
    execute_on_child_nodes: 'optional',
    limit_child_node_execution: 'optional',
  },
  service: {
    args: 'optional',
    order: 'optional',
    execute_on_child_nodes: 'optional',
    limit_child_node_execution: 'optional',
  },
  deploy: { args: 'required', priority: 'required' },
};

/** More than anybody writes down; they are stored anew with every step that is done. */
const mostSteps = 1000;
const longestName = 255;

/**
 * The steps of a request, checked. Throws InvalidParameterValue naming the step and its fault, StepNotAllowed
 * for one that the operator forbids to name (`[api]disallow_*_steps`).
 */
export function parseSteps(given: unknown, kind: StepKind, disallowed: readonly string[]): AskedStep[] {
  if (!Array.isArray(given)) throw new InvalidParameterValue(`${kind}_steps is to be a list of steps.`);
  if (given.length > mostSteps)
    throw new InvalidParameterValue(`${kind}_steps has more than ${mostSteps} steps.`);
  return given.map((item: unknown, index) => {
    const step = parseStep(item, kind, `${kind}_steps[${index}]`);
    const name = `${step.interface}.${step.step}`;
    if (disallowed.includes(name)) throw new StepNotAllowed({ step: name, step_type: kind });
    return step;
  });
}

function parseStep(item: unknown, kind: StepKind, place: string): AskedStep {
  if (!isJsonObject(item)) throw invalid(place, 'is to be an object');
  const keys = stepKeys[kind];
  for (const key of Object.keys(item)) {
    if (key !== 'interface' && key !== 'step' && !Object.hasOwn(keys, key))
      throw invalid(place, `has the unknown key "${key}"`);
  }
  for (const key of ['interface', 'step', ...Object.keys(keys).filter((key) => keys[key] === 'required')]) {
    if (!Object.hasOwn(item, key)) throw invalid(place, `lacks "${key}"`);
  }
  const { interface: interfaceType, step, args, priority } = item;
  if (typeof interfaceType !== 'string' || !stepInterfaces.includes(interfaceType))
    throw invalid(place, `has an "interface" that is none of ${stepInterfaces.join(', ')}`);
  if (typeof step !== 'string' || step === '' || step.length > longestName)
    throw invalid(place, 'has a "step" that is not a name');
  if (args !== undefined && !isJsonObject(args)) throw invalid(place, 'has "args" that are not an object');
  if (item['order'] !== undefined) parseCount(item['order'], 'order', place);
  const onChildren = childNodesOf(item, place);
  return {
    interface: interfaceType,
    step,
    ...(args !== undefined && { args }),
    ...(priority !== undefined && { priority: parseCount(priority, 'priority', place) }),
    ...(onChildren && { onChildren }),
  };
}

/** The child nodes that a step is meant for, empty for all of them; undefined when it is the node's own. */
function childNodesOf(item: Record<string, unknown>, place: string): string[] | undefined {
  const { execute_on_child_nodes: onChildren = false, limit_child_node_execution: limit = [] } = item;
  if (typeof onChildren !== 'boolean')
    throw invalid(place, 'has an "execute_on_child_nodes" that is neither true nor false');
  if (!Array.isArray(limit)) throw invalid(place, 'has a "limit_child_node_execution" that is not a list');
  const uuids = limit.map((entry: unknown) => {
    const uuid = typeof entry === 'string' ? canonicalUuid(entry) : undefined;
    if (uuid === undefined)
      throw invalid(place, 'has a "limit_child_node_execution" that is not a list of UUIDs');
    return uuid;
  });
  return onChildren ? uuids : undefined;
}

function parseCount(value: unknown, key: string, place: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  throw invalid(place, `has a "${key}" that is not a whole number from 0`);
}

function invalid(place: string, problem: string): InvalidParameterValue {
  return new InvalidParameterValue(`${place} ${problem}.`);
}
