// Everything an explanation goes by, read in one go; what is made of it reads nothing more.
import type { Settings } from '#config/settings.ts';
import { type ConductorRecord, isAlive, readConductors } from '#db/conductors.ts';
import { readNode } from '#db/nodes.ts';
import { readOperations } from '#db/operations.ts';
import { readRequestOf } from '#db/operation-facts.ts';
import { queueNow, readPlaceInQueue, readQueueState } from '#db/turns.ts';
import { NodeNotFound } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { NodeView } from '#protocol/node-view.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { Call } from '../../call.ts';
import { noPast, type Past } from '../fleet-past.ts';
import { nodeUuidOf } from '../seen-nodes.ts';

export interface KnownConductor {
  readonly hostname: string;
  readonly isAlive: boolean;
  /** It said goodbye, as at an orderly end. */
  readonly hasLeft: boolean;
  readonly group: string;
  readonly drivers: readonly string[];
  readonly heardAt: string;
}

/** A place in the queue for a turn: 1 is the next. */
export interface Turn {
  readonly place: number;
  readonly waiting: number;
  /** How many are at work, and so in the way. */
  readonly atWork: number;
}

export interface Facts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly settings: Settings;
  readonly node: NodeRecord;
  /** What is open on the node, other than a power change. */
  readonly operation: OperationRecord | null;
  /** The power change that is under way. */
  readonly power: OperationRecord | null;
  /** What ended last. */
  readonly last: OperationRecord | null;
  /** The request that the open operation began with. */
  readonly request: string | null;
  readonly conductors: readonly KnownConductor[];
  /** The live conductor that the node belongs to. */
  readonly responsible: string | null;
  /** The conductor that was asked: the one that holds the node, otherwise the one that it belongs to. */
  readonly asked: string | null;
  /** What that conductor says, or why it says nothing. */
  readonly view: NodeView | { readonly silent: string };
  /** The place among those that wait for their turn; null where its conductor is gone, so that it has none. */
  readonly turn: Turn | null;
  readonly past: Past;
}

/** A conductor that is at work answers this at once; one that does not is not waited for. */
const viewMilliseconds = 2000;

/** Of a node's newest operations, so many are looked at: what is open is among them. */
const newestOperations = 8;

/** Throws NodeNotFound. */
export async function readFacts(call: Call): Promise<Facts> {
  const { parts } = call;
  const { read } = parts.store;
  const uuid = await nodeUuidOf(call);
  const [node, operations, known] = await Promise.all([
    readNode(read, uuid),
    readOperations(read, uuid, newestOperations),
    readConductors(read),
  ]);
  if (!node) throw new NodeNotFound({ node: call.param('node') });
  const open = operations.filter(({ finished_at }) => finished_at === null);
  const operation = open.find(({ kind }) => kind !== 'power') ?? null;
  const power = open.find(({ kind }) => kind === 'power') ?? null;
  const atWork = operation ?? power;
  const responsible = (await parts.ring.findHost(node)) ?? null;
  const conductors = known.map((one) => knownConductor(call, one));
  // After a death, who took the node over holds it before every ring has changed.
  const holder = conductors.find(({ hostname, isAlive: lives }) => lives && hostname === node.reservation);
  const asked = holder?.hostname ?? responsible;
  const [view, turn, request, past] = await Promise.all([
    viewOf(call, uuid, asked),
    turnOf(call, node, operation, conductors),
    atWork === null ? null : readRequestOf(read, uuid, atWork.id),
    operation === null ? noPast : parts.past.of(operation.kind, node.driver),
  ]);
  return {
    now: parts.clock.now(),
    settings: parts.settings,
    node,
    operation,
    power,
    last: operations.find(({ finished_at }) => finished_at !== null) ?? null,
    request,
    conductors,
    responsible,
    asked,
    view,
    turn,
    past,
  };
}

async function turnOf(
  { parts }: Call,
  { conductor_group: conductorGroup }: NodeRecord,
  operation: OperationRecord | null,
  conductors: readonly KnownConductor[],
): Promise<Turn | null> {
  if (!operation || operation.queue === null) return null;
  if (!conductors.some(({ hostname, isAlive: lives }) => lives && hostname === operation.owner)) return null;
  const { settings, clock } = parts;
  const { max_concurrent_per_conductor_group: perGroup } = settings.conductor;
  const queue = queueNow({ limit: operation.queue, ...(perGroup && { conductorGroup }) }, settings, clock);
  const [place, { inTurn: waiting, atWork }] = await Promise.all([
    readPlaceInQueue(parts.store.read, queue, operation),
    readQueueState(parts.store.read, queue),
  ]);
  return { place, waiting, atWork };
}

function knownConductor({ parts }: Call, conductor: ConductorRecord): KnownConductor {
  const { hostname, conductor_group: group, drivers, updated_at: heardAt, online } = conductor;
  const { heartbeat_timeout: limit } = parts.settings.conductor;
  const alive = isAlive(conductor, limit, parts.clock);
  return { hostname, group, drivers, heardAt, isAlive: alive, hasLeft: !online };
}

async function viewOf(call: Call, node: string, host: string | null): Promise<Facts['view']> {
  if (host === null) return { silent: 'no live conductor is responsible for the node' };
  const { conductors, clock } = call.parts;
  const enough = new AbortController();
  try {
    return await Promise.race([
      conductors.call(host, 'explain_node', { node }, call.context),
      clock.sleep(viewMilliseconds, enough.signal).then(() => ({
        silent: `the conductor ${host} did not answer within ${viewMilliseconds / 1000} s`,
      })),
    ]);
  } catch (error) {
    return { silent: messageOf(error) };
  } finally {
    enough.abort();
  }
}
