// What is made of the facts of a node: one document for people and programs. Reads and asks nothing.
import { wireTime } from '#model/clock.ts';
import { nextState, stateRow } from '#model/provision-states.ts';
import { allProvisionVerbs, provisionVerbs, type ProvisionVerb } from '#model/provision-verbs.ts';
import { canBeCancelled } from '#protocol/cancel.ts';
import type { BmcReachability } from '#protocol/node-view.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import { agentOf, type Cause, causeOf, causes, secondsSince, waitsSince } from './causes.ts';
import type { Facts } from './facts.ts';

export interface Explanation {
  node: string;
  provision_state: string;
  target_provision_state: string | null;
  /** One of a closed set, for programs. */
  cause: Cause;
  /** The same in plain words. */
  summary: string;
  /** When the wait, the work or the state that it is about began. */
  since: string | null;
  holder: Holder | null;
  operation: ExplainedOperation | null;
  waits_for: ExplainedWait | null;
  agent: { url: string | null; heard_at: string | null; silent_seconds: number | null } | null;
  conductor: ExplainedConductor;
  next_steps: NextStep[];
  estimate: Estimate | null;
  /** Targets that may be asked for now. */
  allowed_verbs: ProvisionVerb[];
  /** Whether `POST …/cancel` would end what waits. */
  cancellable: boolean;
}

interface Holder {
  conductor: string;
  since: string | null;
  alive: boolean;
  heard_at: string | null;
}

interface ExplainedOperation {
  id: string;
  kind: string;
  state: string;
  /** Counted from 1. */
  step: number;
  steps: number;
  step_name: string | null;
  /** More than 1: the step was interrupted before, and reads back how far it came. */
  attempt: number;
  /** How often all of it was begun anew after a failure. */
  retries: number;
  begun_at: string;
  request_id: string | null;
}

interface ExplainedWait {
  for: string;
  since: string | null;
  /** When it is looked at again by itself. */
  looked_at_again: string | null;
  /** When the wait ends whatever came; null: never by itself. */
  until: string | null;
  /** What happens then. */
  what_then: string;
  place: number | null;
  waiting: number | null;
  reason: string | null;
}

/** What the node's conductor said, or that it did not say anything. */
type ExplainedConductor =
  | {
      hostname: string;
      answered: true;
      workers: { load: number; size: number };
      bmc: ExplainedBmc | null;
      misses: object;
    }
  | { hostname: string | null; answered: false; reason: string };

interface ExplainedBmc {
  address: string;
  /** Attempts in a row that got no answer. */
  failures: number;
  left_alone_until: string | null;
  last_failure: string | null;
}

interface NextStep {
  interface: string;
  step: string;
  usual_seconds: number | null;
}

interface Estimate {
  /** Of how many of the kind on this hardware type. */
  from: number;
  median_seconds: number;
  p90_seconds: number;
  /** As far as the median says; zero when it is over. */
  remaining_seconds: number;
}

export function explain(facts: Facts): Explanation {
  const { node, operation } = facts;
  const cause = causeOf(facts);
  return {
    node: node.uuid,
    provision_state: node.provision_state,
    target_provision_state: node.target_provision_state,
    cause,
    summary: causes[cause].says(facts),
    since: since(facts),
    holder: holder(facts),
    operation: explainedOperation(facts, operation ?? facts.power),
    waits_for: explainedWait(facts, cause),
    agent: explainedAgent(facts),
    conductor: explainedConductor(facts),
    next_steps: nextSteps(facts),
    estimate: estimate(facts),
    allowed_verbs: allowedVerbs(facts),
    cancellable: operation !== null && canBeCancelled(operation, node),
  };
}

function since(facts: Facts): string | null {
  const { node, operation, power } = facts;
  if (operation?.state === 'waiting') return waitsSince(facts);
  return (operation ?? power)?.updated_at ?? node.provision_updated_at ?? node.created_at;
}

function holder({ node, operation, power, conductors }: Facts): Holder | null {
  if (node.reservation === null) return null;
  const known = conductors.find(({ hostname }) => hostname === node.reservation);
  return {
    conductor: node.reservation,
    since: (operation ?? power)?.updated_at ?? null,
    alive: known?.isAlive ?? false,
    heard_at: known?.heardAt ?? null,
  };
}

function explainedOperation(
  { request }: Facts,
  operation: OperationRecord | null,
): ExplainedOperation | null {
  if (operation === null) return null;
  const { id, kind, state, steps, cursor, attempt, retries, created_at } = operation;
  const step = steps[cursor];
  return {
    id,
    kind,
    state,
    step: Math.min(cursor + 1, steps.length),
    steps: steps.length,
    step_name: step ? `${step.interface}.${step.step}` : null,
    attempt,
    retries,
    begun_at: created_at,
    request_id: request,
  };
}

function explainedWait(facts: Facts, cause: Cause): ExplainedWait | null {
  const { operation, turn } = facts;
  if (operation?.state !== 'waiting' || operation.wait === null) return null;
  const { wait } = operation;
  const deadline = deadlineOf(facts);
  return {
    for: wait.for,
    since: waitsSince(facts),
    looked_at_again: 'at' in wait ? (wait.at ?? null) : null,
    until: deadline?.at ?? null,
    what_then: deadline?.whatThen ?? whatThen(cause),
    place: turn?.place ?? null,
    waiting: turn?.waiting ?? null,
    reason: wait.for === 'retry' ? wait.reason : null,
  };
}

/** When the option of the state ends the wait; undefined where none does. */
function deadlineOf({ node, settings }: Facts): { at: string; whatThen: string } | undefined {
  const { timeout } = stateRow(node.provision_state);
  if (!timeout || node.maintenance) return undefined;
  const limit = settings.conductor[timeout.option];
  const from = node[timeout.measuredFrom];
  const to = nextState(node.provision_state, 'fail');
  if (limit <= 0 || from === null || to === undefined) return undefined;
  return {
    at: wireTime(Date.parse(from) + limit * 1000),
    whatThen: `The operation fails and the node goes to '${to}' ([conductor]${timeout.option}).`,
  };
}

function whatThen(cause: Cause): string {
  switch (cause) {
    case 'hold':
      return 'Nothing by itself: unhold lets it go on, abort ends it.';
    case 'turn':
      return 'It begins when it is its turn; cancel ends the wait.';
    case 'retry':
      return 'All of it is begun again from its first step; cancel ends the wait.';
    default:
      return 'It goes on when what it waits for has come; no time limit ends the wait.';
  }
}

function explainedAgent(facts: Facts): Explanation['agent'] {
  const { url, heardAt } = agentOf(facts);
  if (url === null && heardAt === null) return null;
  return { url, heard_at: heardAt, silent_seconds: heardAt === null ? null : secondsSince(facts, heardAt) };
}

function explainedConductor({ asked, view }: Facts): ExplainedConductor {
  if ('silent' in view) return { hostname: asked, answered: false, reason: view.silent };
  const { conductor: hostname, workers, bmc, misses } = view;
  return { hostname, answered: true, workers, bmc: bmc && explainedBmc(bmc), misses };
}

function explainedBmc({ address, failures, leftAloneUntil, lastFailure }: BmcReachability): ExplainedBmc {
  return { address, failures, left_alone_until: leftAloneUntil, last_failure: lastFailure };
}

function nextSteps({ operation, past }: Facts): NextStep[] {
  return (operation?.steps.slice(operation.cursor + 1) ?? []).map(({ interface: type, step }) => ({
    interface: type,
    step,
    usual_seconds: past.steps[`${type}.${step}`]?.median ?? null,
  }));
}

function estimate(facts: Facts): Estimate | null {
  const { operation, past } = facts;
  if (operation === null || past.whole === null) return null;
  const { count, median, p90 } = past.whole;
  const gone = secondsSince(facts, operation.created_at);
  return {
    from: count,
    median_seconds: median,
    p90_seconds: p90,
    remaining_seconds: Math.max(0, Math.round(median - gone)),
  };
}

/** What the provision table, and what is set on the node, allow now. Aliases are left out. */
function allowedVerbs({ node, settings }: Facts): ProvisionVerb[] {
  return allProvisionVerbs.filter((name) => {
    const verb: (typeof provisionVerbs)[ProvisionVerb] & { aliasOf?: ProvisionVerb } = provisionVerbs[name];
    if (verb.aliasOf !== undefined) return false;
    if (!verb.allowedFrom.some((state) => state === node.provision_state)) return false;
    if (nextState(node.provision_state, verb.event) === undefined) return false;
    if (node.protected && verb.refusedWhenProtected) return false;
    if (node.retired && name === 'provide') return false;
    if (!node.maintenance) return true;
    const { allow_provisioning_in_maintenance: isAllowed } = settings.conductor;
    return (
      verb.inMaintenance === 'accepted' || (verb.inMaintenance === 'refused unless allowed' && isAllowed)
    );
  });
}
