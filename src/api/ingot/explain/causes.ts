// Why a node is where it is and stays there: a row each, the first that applies is the cause. What stands in the way
// of everything goes before what is under way, and that before what the operator may do next.
import { type ProvisionState, stateRow } from '#model/provision-states.ts';
import type { NodeFault } from '#model/power-states.ts';
import type { RefusedHeartbeat } from '#protocol/node-view.ts';
import type { OperationRecord, OperationStep } from '#protocol/operation.ts';
import { type FailureKind, failureKindOf, failures } from './failures.ts';
import type { Facts, KnownConductor } from './facts.ts';

interface CauseRow {
  applies(facts: Facts): boolean;
  /** In plain words, what is so and what comes of it. */
  says(facts: Facts): string;
}

/** Nothing of what an earlier release left waiting. */
function triesLeft(left: number | undefined): string {
  if (left === undefined) return '';
  return left === 0 ? ', and the last' : `; ${left} more if that fails too`;
}

const inHand = {
  no_conductor_alive: {
    applies: ({ conductors }) => !conductors.some((one) => one.isAlive),
    says: ({ conductors }) =>
      conductors.length === 0
        ? 'No conductor was ever started; start one.'
        : 'No conductor is alive, so nothing can happen to any node; start one.',
  },
  no_conductor_in_group: {
    applies: ({ conductors, node }) =>
      !conductors.some((one) => one.isAlive && one.group === node.conductor_group),
    says: ({ node }) =>
      `No live conductor serves ${groupOf(node.conductor_group)}; start one there, or move the node to another group.`,
  },
  no_conductor_with_driver: {
    applies: ({ responsible }) => responsible === null,
    says: ({ node }) =>
      `No live conductor of ${groupOf(node.conductor_group)} has the hardware type ${node.driver}; ` +
      'see [DEFAULT]enabled_hardware_types.',
  },
  driver_not_usable: {
    applies: ({ view }) => 'noDriver' in view && view.noDriver !== null,
    says: ({ view }) =>
      `The node's driver cannot be put together by its conductor: ${'noDriver' in view ? view.noDriver : ''}`,
  },
  held_by_dead_conductor: {
    applies: (facts) => holderOf(facts)?.isAlive === false,
    says: (facts) => {
      const holder = holderOf(facts);
      const why = holder?.hasLeft ? 'has ended' : `was last heard of at ${holder?.heardAt}`;
      return (
        `The conductor ${holder?.hostname}, which holds the node, ${why}; ${successorOf(facts)} takes the node over ` +
        'and goes on from the last committed step.'
      );
    },
  },
  owner_is_dead: {
    applies: (facts) => ownerOf(facts)?.isAlive === false,
    says: (facts) =>
      `The conductor ${ownerOf(facts)?.hostname}, which began to wait, is gone; ${successorOf(facts)} waits on in its place.`,
  },

  cleaning_up_after_failure: {
    applies: ({ operation }) => operation?.state === 'failing',
    says: ({ operation }) =>
      `The ${operation?.kind} failed (${operation?.error}), and what it had begun is being undone.`,
  },
  abort_pending: {
    applies: ({ operation }) => operation?.abort_requested === true,
    says: ({ operation }) =>
      `It is to be aborted, and ${stepText(operation)} may not be interrupted: the abort takes effect when it ends.`,
  },
  hold: {
    applies: ({ operation, node }) =>
      operation?.wait?.for === 'hold' || stateRow(node.provision_state).kind === 'held',
    says: () => 'It stands on hold as was asked for; unhold lets it go on.',
  },
  turn: {
    applies: ({ operation }) => operation?.wait?.for === 'turn',
    says: ({ operation, turn }) =>
      turn
        ? `${turn.atWork === 1 ? '1 node is' : `${turn.atWork} nodes are`} at work, which is as many as may` +
          ` ([conductor]max_concurrent_${operation?.queue ?? ''}), and it waits for its turn: ` +
          `place ${turn.place} of ${turn.waiting}.`
        : `It waits for its turn, which comes when a live conductor has it: ${operation?.owner} is gone.`,
  },
  retry: {
    applies: ({ operation }) => operation?.wait?.for === 'retry',
    says: ({ operation }) =>
      operation?.wait?.for === 'retry'
        ? `The ${operation.kind} failed (${operation.wait.reason}); what it had begun was undone, and it is tried again ` +
          `at ${operation.wait.at}, for the ${ordinal(operation.retries + 1)} time in all${triesLeft(operation.wait.left)}.`
        : '',
  },
  bmc_left_alone: {
    applies: ({ operation, power, view }) =>
      (operation !== null || power !== null) && 'bmc' in view && view.bmc?.leftAloneUntil != null,
    says: ({ view }) =>
      'bmc' in view
        ? `Its BMC at ${view.bmc?.address} did not answer ${view.bmc?.failures} times in a row and is left alone until ` +
          `${view.bmc?.leftAloneUntil}: ${view.bmc?.lastFailure}`
        : '',
  },
  wait_in_maintenance: {
    applies: ({ node, operation }) => node.maintenance && operation?.state === 'waiting',
    says: ({ node, operation }) =>
      `It waits ${waitText(operation)}, and in maintenance${reasonText(node.maintenance_reason)} no time limit ends that.`,
  },

  agent_reports_error: {
    applies: (facts) => waitsForAgent(facts) && agentOf(facts).status === 'error',
    says: (facts) =>
      `The agent says that something is wrong with the machine: ${agentOf(facts).message ?? 'it did not say what'}.`,
  },
  machine_off: {
    applies: (facts) => waitsForAgent(facts) && facts.node.power_state === 'power off',
    says: () => 'It waits for the agent, and the machine is off: no agent can come.',
  },
  power_not_known: {
    applies: (facts) => waitsForAgent(facts) && facts.node.power_state !== 'power on',
    says: ({ node }) =>
      `It waits for the agent, and whether the machine is on is not known (power_state is ${node.power_state ?? 'not set'}).`,
  },
  agent_unreached: {
    applies: (facts) => unreached(facts) !== null,
    says: (facts) =>
      `The agent was heard of ${seconds(secondsSince(facts, agentOf(facts).heardAt))} ago, and cannot be called by its ` +
      `conductor at ${stepText(facts.operation)}, which tries again: ${sentence(unreached(facts))} Look at the network ` +
      'from the conductor to the machine.',
  },
  agent_works: {
    applies: (facts) => waitsForAgent(facts) && hasCommand(facts) && !isAgentSilent(facts),
    says: (facts) => `The agent works on ${stepText(facts.operation)}${progressText(facts.operation)}.`,
  },
  agent_refused: {
    applies: (facts) => waitsForAgent(facts) && refusedLately(facts) !== null,
    says: (facts) =>
      `It waits for the agent, and what says at ${refusedLately(facts)?.at} that it is the agent was refused: ` +
      `${sentence(refusedLately(facts)?.reason ?? null)} It may be an agent of an earlier boot, or of another machine.`,
  },
  agent_booting: {
    applies: (facts) =>
      waitsForAgent(facts) &&
      agentOf(facts).heardAt === null &&
      secondsWaited(facts) < usualBootSeconds(facts),
    says: (facts) =>
      `The machine was started ${seconds(secondsWaited(facts))} ago, and its agent is awaited; that takes some minutes.`,
  },
  agent_never_heard: {
    applies: (facts) => waitsForAgent(facts) && agentOf(facts).heardAt === null,
    says: (facts) =>
      `The agent was never heard of in this boot, for ${seconds(secondsWaited(facts))} now: look at the machine's console ` +
      'whether it booted the ramdisk and reaches the API.',
  },
  agent_silent: {
    applies: (facts) => (waitsForAgent(facts) || asksAgent(facts)) && isAgentSilent(facts),
    says: (facts) =>
      `The agent at ${agentOf(facts).url ?? 'an address it did not tell'} was last heard of ` +
      `${seconds(secondsSince(facts, agentOf(facts).heardAt))} ago, longer than it may stay silent.`,
  },
  agent_due: {
    applies: waitsForAgent,
    says: (facts) =>
      `The agent at ${agentOf(facts).url ?? 'an address it did not tell'} was heard of ` +
      `${seconds(secondsSince(facts, agentOf(facts).heardAt))} ago, and its next heartbeat goes on with ${stepText(facts.operation)}.`,
  },
  polling: {
    applies: ({ operation }) => operation?.wait?.for === 'poll' && operation.state === 'waiting',
    says: ({ operation }) =>
      `The hardware works on ${stepText(operation)} and is looked at again at ${operation?.wait?.for === 'poll' ? operation.wait.at : ''}.`,
  },

  conductor_silent: {
    applies: ({ operation, power, view }) => (operation ?? power) !== null && 'silent' in view,
    says: ({ view, asked, operation, power }) =>
      `The conductor ${asked} should be at ${stepText(operation ?? power)}, and cannot be asked: ` +
      sentence('silent' in view ? view.silent : ''),
  },
  worker_wanted: {
    applies: ({ operation, view }) =>
      operation?.state === 'running' &&
      operation.cursor === 0 &&
      operation.updated_at === operation.created_at &&
      'workers' in view &&
      view.workers.load > view.workers.size,
    says: ({ view }) =>
      'workers' in view
        ? `All ${view.workers.size} workers of its conductor are busy, and ${view.workers.load - view.workers.size} jobs wait for one.`
        : '',
  },
  power_changing: {
    applies: ({ operation, power }) => power !== null && operation?.state !== 'running',
    says: ({ power }) =>
      `Its power is being changed to '${power?.input.powerTarget ?? 'what was asked for'}'.`,
  },
  step_again: {
    applies: ({ operation }) => operation?.state === 'running' && operation.attempt > 1,
    says: ({ operation }) =>
      `${capital(stepText(operation))} runs for the ${ordinal(operation?.attempt ?? 1)} time: it was interrupted before, ` +
      'and reads back how far it came.',
  },
  step_running: {
    applies: ({ operation }) => operation?.state === 'running',
    says: ({ operation, node }) =>
      `${node.reservation ?? operation?.owner} is at ${stepText(operation)}, step ${(operation?.cursor ?? 0) + 1} of ` +
      `${operation?.steps.length} of the ${operation?.kind}.`,
  },
  state_without_operation: {
    applies: ({ node, operation }) =>
      operation === null && ['working', 'waiting'].includes(stateRow(node.provision_state).kind),
    says: ({ node }) =>
      `Its state is '${node.provision_state}', and no work is recorded that would lead it on: an abort, or a repair by ` +
      'hand, is needed.',
  },
  held_for_a_call: {
    applies: ({ node, operation }) => node.reservation !== null && operation === null,
    says: ({ node }) => `${node.reservation} holds it for a short call; it is free again in a moment.`,
  },
} satisfies Record<string, CauseRow>;

/** What a fault that Ironic names has put a node into maintenance for, and what ends it. */
const maintenanceFaults: Record<NodeFault, string> = {
  'power failure':
    'its BMC could not be asked for its power state; that is tried again, and ends the maintenance when it answers',
  'clean failure':
    'its cleaning failed in the middle; look at the machine, then end the maintenance and go on',
  'rescue abort failure':
    'what a rescue had begun could not be undone; look at the machine, then end the maintenance',
  'service failure':
    'its service failed in the middle; look at the machine, then end the maintenance and go on',
};

const inMaintenance = (fault: NodeFault): CauseRow => ({
  applies: ({ node }) => node.maintenance && node.fault === fault,
  says: ({ node }) =>
    `It is in maintenance: ${maintenanceFaults[fault]}${reasonText(node.maintenance_reason)}.`,
});

const failed = (kind: FailureKind): CauseRow => ({
  applies: ({ node, last }) =>
    node.last_error !== null &&
    isBadEnd(node.provision_state) &&
    failureKindOf(node.last_error, last?.fault) === kind,
  says: (facts) =>
    `${failureBegin(facts)} because ${failures[kind].says}: ${sentence(facts.node.last_error)} ${failures[kind].lookAt}`,
});

const atRest = {
  maintenance_power_failure: inMaintenance('power failure'),
  maintenance_clean_failure: inMaintenance('clean failure'),
  maintenance_rescue_abort_failure: inMaintenance('rescue abort failure'),
  maintenance_service_failure: inMaintenance('service failure'),
  maintenance_by_operator: {
    applies: ({ node }) => node.maintenance,
    says: ({ node }) => `It is in maintenance by request${reasonText(node.maintenance_reason)}.`,
  },
} satisfies Record<string, CauseRow>;

// Object.fromEntries forgets the keys it was given, which are those of the table.
const afterFailure = Object.fromEntries(
  Object.keys(failures).map((kind) => [`failed_${kind}`, failed(kind as FailureKind)]),
) as Record<`failed_${FailureKind}`, CauseRow>;

const idle = {
  failed_without_reason: {
    applies: ({ node }) =>
      stateRow(node.provision_state).kind === 'failed' || node.provision_state === 'error',
    says: ({ node }) =>
      `Its state is '${node.provision_state}', and no error is recorded; the history may tell more.`,
  },
  last_action_failed: {
    applies: ({ node }) => node.last_error !== null,
    says: ({ node }) => `Nothing is under way; the last action failed: ${node.last_error}`,
  },
  power_interface_incomplete: {
    applies: ({ view }) => missing(view, 'power') !== undefined,
    says: ({ view }) => `Nothing can begin: its power interface lacks something: ${missing(view, 'power')}`,
  },
  not_verified: {
    applies: ({ node }) => node.provision_state === 'enroll',
    says: () => 'It is enrolled, and whether its BMC can be reached was not looked at yet; manage does that.',
  },
  power_state_error: {
    applies: ({ node }) => node.power_state === 'error',
    says: () => "Its BMC says that the machine's power is in error; look at the machine.",
  },
  boot_media_missing: {
    applies: ({ view, node }) => isFree(node.provision_state) && missing(view, 'boot') !== undefined,
    says: ({ view }) => `The agent could not be booted on it: ${missing(view, 'boot')}`,
  },
  retired: {
    applies: ({ node }) => node.retired === true && isFree(node.provision_state),
    says: ({ node }) =>
      `It is retired${reasonText(node.retired_reason)}, and is not provided for instances any more.`,
  },
  available_in_use: {
    applies: ({ node }) => node.provision_state === 'available' && node.instance_uuid !== null,
    says: ({ node }) =>
      `It is reserved for the instance ${node.instance_uuid}, whose deployment nobody asked for yet.`,
  },
  available: {
    applies: ({ node }) => node.provision_state === 'available',
    says: () => 'It is available: it waits for somebody to deploy it.',
  },
  manageable_cleaning_off: {
    applies: ({ node, settings }) =>
      node.provision_state === 'manageable' && !(node.automated_clean ?? settings.conductor.automated_clean),
    says: () =>
      'It is manageable, and nothing is under way; provide makes it available without cleaning, which is switched off for it.',
  },
  manageable: {
    applies: ({ node }) => node.provision_state === 'manageable',
    says: () => 'It is manageable, and nothing is under way; provide cleans it and makes it available.',
  },
  rescue: {
    applies: ({ node }) => node.provision_state === 'rescue',
    says: () => 'It runs the rescue ramdisk until somebody asks for unrescue.',
  },
  instance_powered_off: {
    applies: ({ node }) => node.provision_state === 'active' && node.power_state === 'power off',
    says: () => 'Its instance is deployed, and the machine is off.',
  },
  protected: {
    applies: ({ node }) => node.protected,
    says: ({ node }) =>
      `Its instance runs and is protected${reasonText(node.protected_reason)}: deleting and rebuilding are refused.`,
  },
  active: {
    applies: ({ node }) => node.provision_state === 'active',
    says: () => 'Its instance is deployed and runs.',
  },
  nothing_to_do: {
    applies: () => true,
    says: ({ node }) => `Nothing is under way in '${node.provision_state}'.`,
  },
} satisfies Record<string, CauseRow>;

export const causes = { ...inHand, ...atRest, ...afterFailure, ...idle };

export type Cause = keyof typeof causes;

/** In order of precedence: a table's keys stand as they were written. */
// The keys of the table are its causes.
export const allCauses = Object.keys(causes) as readonly Cause[];

export function causeOf(facts: Facts): Cause {
  return allCauses.find((cause) => causes[cause].applies(facts)) ?? 'nothing_to_do';
}

/** A boot of firmware and ramdisk takes about so long on the slowest servers. */
const slowestBootSeconds = 600;

/** Where the wait may not last twice as long, its second half is late enough to look at the machine. */
function usualBootSeconds({ node, settings }: Facts): number {
  const { timeout } = stateRow(node.provision_state);
  const limit = timeout ? settings.conductor[timeout.option] : 0;
  return limit > 0 ? Math.min(slowestBootSeconds, limit / 2) : slowestBootSeconds;
}

function isFree(state: ProvisionState): boolean {
  return state === 'manageable' || state === 'available';
}

function isBadEnd(state: ProvisionState): boolean {
  return stateRow(state).kind === 'failed' || state === 'error' || state === 'enroll';
}

function failureBegin({ node, last }: Facts): string {
  const kind = last && last.state !== 'done' ? `The ${last.kind}` : 'What was done last';
  return `${kind} failed and left the node in '${node.provision_state}'`;
}

function missing(view: Facts['view'], type: string): string | undefined {
  return 'misses' in view ? view.misses[type] : undefined;
}

function holderOf({ node, conductors }: Facts): KnownConductor | undefined {
  if (node.reservation === null) return undefined;
  return conductors.find(({ hostname }) => hostname === node.reservation);
}

function ownerOf({ operation, conductors }: Facts): KnownConductor | undefined {
  return operation === null ? undefined : conductors.find(({ hostname }) => hostname === operation.owner);
}

/** Who goes on. The ring names the dead one for some seconds more. */
function successorOf({ responsible, conductors }: Facts): string {
  const named = conductors.find(({ hostname }) => hostname === responsible);
  return named?.isAlive ? named.hostname : 'another one';
}

function waitsForAgent({ operation }: Facts): boolean {
  return operation?.state === 'waiting' && operation.wait?.for === 'agent';
}

/** What is known of the agent on the machine. */
export function agentOf({ node }: Facts): {
  url: string | null;
  heardAt: string | null;
  status: string | null;
  message: string | null;
} {
  const text = (name: string): string | null => {
    const value = node.driver_internal_info[name];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return {
    url: text('agent_url'),
    heardAt: text('agent_last_heartbeat'),
    status: text('agent_status'),
    message: text('agent_status_message'),
  };
}

function hasCommand({ operation }: Facts): boolean {
  return (operation?.memo['agent_command'] ?? null) !== null;
}

/** It looks how far the agent came, which lasts as long as an agent that hangs is given to answer. */
function asksAgent(facts: Facts): boolean {
  return facts.operation?.state === 'running' && hasCommand(facts);
}

/** Why the agent could not be called, as the step at the cursor noted. */
function unreached({ operation }: Facts): string | null {
  const reason = operation?.memo['agent_unreached'];
  return typeof reason === 'string' && operation?.state !== 'failing' ? reason : null;
}

/** What was refused since it waits, and since an agent was heard of. */
function refusedLately(facts: Facts): RefusedHeartbeat | null {
  const refused = ('refusedHeartbeat' in facts.view && facts.view.refusedHeartbeat) || null;
  const since = agentOf(facts).heardAt ?? waitsSince(facts);
  return refused !== null && since !== null && Date.parse(refused.at) > Date.parse(since) ? refused : null;
}

function isAgentSilent(facts: Facts): boolean {
  const { heardAt } = agentOf(facts);
  return heardAt !== null && secondsSince(facts, heardAt) > facts.settings.api.ramdisk_heartbeat_timeout;
}

function secondsWaited(facts: Facts): number {
  return secondsSince(facts, waitsSince(facts));
}

/** When the operation began to wait for what it waits for. */
export function waitsSince({ node, operation }: Facts): string | null {
  const wait = operation?.wait;
  if (wait && 'since' in wait && wait.since !== undefined) return wait.since;
  if (wait?.for === 'turn' || wait?.for === 'retry') return operation?.updated_at ?? null;
  return node.provision_updated_at;
}

export function secondsSince({ now }: Facts, at: string | null): number {
  return at === null ? 0 : Math.max(0, Math.round((now - Date.parse(at)) / 1000));
}

function seconds(count: number): string {
  return `${count} s`;
}

/** `the step deploy.write_image`; of the flow's own steps only the name. */
function stepText(operation: OperationRecord | null): string {
  const step: OperationStep | undefined = operation?.steps[operation.cursor];
  if (!step) return `the ${operation?.kind ?? 'work'}`;
  return step.origin === 'flow' ? `the step ${step.step}` : `the step ${step.interface}.${step.step}`;
}

function waitText(operation: OperationRecord | null): string {
  return operation?.wait?.for === 'agent' ? 'for the agent' : 'for the hardware';
}

function progressText(operation: OperationRecord | null): string {
  const progress = operation?.memo['progress'];
  if (typeof progress !== 'object' || progress === null || !('percent' in progress)) return '';
  return typeof progress.percent === 'number' ? ` and is at ${Math.floor(progress.percent)} %` : '';
}

function groupOf(group: string): string {
  return group === '' ? 'the nodes without a conductor group' : `the conductor group '${group}'`;
}

function reasonText(reason: string | null): string {
  return reason === null || reason === '' ? '' : ` (${reason})`;
}

function sentence(text: string | null): string {
  return text === null || /[.?!]$/.test(text) ? (text ?? '') : `${text}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function ordinal(count: number): string {
  return count === 2 ? 'second' : count === 3 ? 'third' : `${count}th`;
}
