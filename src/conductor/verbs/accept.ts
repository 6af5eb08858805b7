// How a verb is accepted: what forbids it is looked for first, then its operation is committed.
import { checkInstanceTraits, type ValidatedType } from '#drivers/validate.ts';
import { Fault } from '#model/fault.ts';
import {
  InvalidParameterValue,
  InvalidStateRequested,
  NodeInMaintenance,
  NodeIsRetired,
  NodeProtected,
} from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { nextState, type ProvisionEvent } from '#model/provision-states.ts';
import { type ProvisionVerb, provisionVerbs } from '#model/provision-verbs.ts';
import type { ConcurrencyLimit, OperationKind } from '#protocol/operation.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import type { Beginning } from '../operations/operations.ts';
import type { ConductorParts } from '../parts.ts';
import { readingTask } from '../task.ts';
import { takeTurn } from '../waits/turns.ts';
import type { ConductorWorkings } from '../workings.ts';

/** What may forbid a verb, besides what its row of the provision table says. */
export interface Restrictions {
  readonly verb: ProvisionVerb;
  /** What the refusal in maintenance calls it, where that is not the verb (ironic conductor/manager.py `op`). */
  readonly op?: string;
  readonly refusedWhenRetired?: boolean;
}

/** One request for a verb, and the operation it begins. */
export interface Acceptance extends Restrictions {
  readonly kind: OperationKind;
  /** Waits for its turn, or is refused, while the limit is reached. */
  readonly limit?: ConcurrencyLimit;
  /** Interfaces that are asked whether the node has what they need, before anything is accepted. */
  readonly asks?: readonly ValidatedType[];
  /** What its commit holds beside the transition; `last_error` is reset by every verb. */
  begins?(node: NodeRecord): Partial<Omit<Beginning, 'raise'>>;
}

/** Accepts a verb: its operation is committed and runs by itself. Throws what forbids it, with nothing changed. */
export async function accept(
  { parts, operations, signal }: ConductorWorkings,
  uuid: string,
  acceptance: Acceptance,
  context: RequestContext,
): Promise<void> {
  const { verb, kind, asks } = acceptance;
  if (asks) await askInterfaces(parts, uuid, asks, signal, context);
  await operations.begin(uuid, kind, context, async (node, transaction) => {
    checkAllowed(parts, node, acceptance);
    const begun = acceptance.begins?.(node);
    const { limit } = acceptance;
    return {
      input: {},
      ...(limit ? { turn: await takeTurn(parts, transaction, node, limit) } : {}),
      ...begun,
      raise: [provisionVerbs[verb].event],
      columns: { last_error: null, ...begun?.columns },
    };
  });
}

/** Throws what of the node forbids a verb. */
export function checkAllowed(
  parts: ConductorParts,
  node: NodeRecord,
  { verb, op = verb, refusedWhenRetired }: Restrictions,
): void {
  const { event, inMaintenance, refusedWhenProtected } = provisionVerbs[verb];
  checkEvent(node, event);
  if (node.retired && refusedWhenRetired) throw new NodeIsRetired({ op: verb, node: node.uuid });
  const isAllowed =
    inMaintenance === 'accepted' ||
    (inMaintenance === 'refused unless allowed' &&
      parts.settings.conductor.allow_provisioning_in_maintenance);
  if (node.maintenance && !isAllowed) throw new NodeInMaintenance({ op, node: node.uuid });
  if (node.protected && refusedWhenProtected) throw new NodeProtected({ node: node.uuid });
}

/** Throws InvalidStateRequested where the provision table knows no such event. */
export function checkEvent(node: NodeRecord, event: ProvisionEvent): void {
  if (nextState(node.provision_state, event) === undefined) throw notFrom(node, event);
}

export function notFrom(node: NodeRecord, event: ProvisionEvent): InvalidStateRequested {
  return new InvalidStateRequested({ action: event, node: node.uuid, state: node.provision_state });
}

/** Throws InvalidParameterValue naming what is missing. */
async function askInterfaces(
  parts: ConductorParts,
  uuid: string,
  types: readonly ValidatedType[],
  signal: AbortSignal,
  context: RequestContext,
): Promise<void> {
  const task = await readingTask(parts, uuid, signal, context);
  for (const type of types) {
    try {
      await task.driver[type].validate(task);
    } catch (cause) {
      if (!(cause instanceof Fault) || cause.status >= 500) throw cause;
      throw new InvalidParameterValue(
        `Node ${uuid} does not have what its ${type} interface needs: ${cause.message}`,
        { cause },
      );
    }
  }
  if (types.includes('deploy')) checkInstanceTraits(task.node);
}
