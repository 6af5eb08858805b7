// The promises of the design, checked after everything that happens.
import type { Task } from '#drivers/task.ts';
import { stateRow, type ProvisionState } from '#model/provision-states.ts';
import { imageContent } from './disk.ts';
import type { Look, SeenEvent, SeenNode } from './look.ts';
import type { Machine } from './machine.ts';

/** What is promised, each as what is told when it is broken. */
export const promises = {
  holder: 'no conductor acts on a machine whose node it does not hold under its present epoch',
  once: 'no step runs twice unless it may',
  kept: 'what was answered with 2xx is committed, and stays',
  powerOff: 'no machine is powered off that must not be',
  erased: 'no node is available whose disks were not erased since its last instance',
  bytes: 'no node is active with other bytes than were asked for',
  hinted: 'nothing is written to a disk that the hints do not name',
  ends: 'every accepted operation ends, or waits for what it says, once nothing fails any more',
  free: 'nobody holds a node that nothing is done with',
  told: 'the events tell of every transition, in order and without a gap',
  limit: 'no more deployments are at work than may be',
  secret: 'no secret stands in a log line, an event or a history',
  answers: 'no request is answered with an error of our own making',
  sound: 'no error in the program comes to light',
  bounded: 'what is kept in memory is bounded',
  fair: 'nobody waits for a turn while those who came later by far get theirs',
} as const;

export type Promised = keyof typeof promises;

export interface Violation {
  readonly promise: Promised;
  readonly node: string | null;
  readonly what: string;
}

/** A request that was answered with 2xx, and what must be there of it. */
interface Acknowledged {
  readonly at: number;
  readonly requestId: string;
  readonly node: string;
  readonly what: string;
}

/** For so long it is remembered what was answered: no loss that comes later is the database's. */
const remembered = 600_000;
const longestTurn = 30;
const underWay: ReadonlySet<string> = new Set(['working', 'waiting', 'held']);

export class Judge {
  violation: Violation | undefined;
  /** Tokens that agents were given, and whatever else must not be read anywhere. */
  readonly secrets = new Set<string>();
  readonly #look: Look;
  readonly #now: () => number;
  readonly #commits: () => number;
  readonly #machineOf: (node: string) => Machine | undefined;
  readonly #deployLimit: number;
  readonly #states = new Map<string, string>();
  /** Digests of the images that were asked for since the deployment of a node began. */
  readonly #asked = new Map<string, Set<string>>();
  readonly #ran = new Set<string>();
  readonly #queued = new Map<string, { since: number; kind: string; overtaken: number }>();
  /** Requests that events tell of. */
  #told = new Set<string>();
  #acknowledged: Acknowledged[] = [];
  #seenCommits = -1;
  #lastEvent = 0;
  #actions = 0;

  constructor(world: {
    look: Look;
    now: () => number;
    machineOf: (node: string) => Machine | undefined;
    /** How many writes the database took so far. */
    commits: () => number;
    deployLimit: number;
  }) {
    this.#commits = world.commits;
    this.#look = world.look;
    this.#now = world.now;
    this.#machineOf = world.machineOf;
    this.#deployLimit = world.deployLimit;
  }

  /** Actions on machines, and events, that were judged. */
  get judged(): { actions: number; events: number } {
    return { actions: this.#actions, events: this.#lastEvent };
  }

  breaks(promise: Promised, node: string | null, what: string): void {
    this.violation ??= { promise, node, what };
  }

  /** A conductor is about to send what changes a machine. */
  acts(conductor: string, task: Pick<Task, 'node'>, what: string, isOff: boolean): void {
    const { uuid, reservation_epoch: epoch } = task.node;
    this.holds(conductor, uuid, what, epoch);
    if (isOff && this.#look.node(uuid)?.disable_power_off === 1)
      this.breaks('powerOff', uuid, `${conductor}: ${what}`);
  }

  holds(conductor: string, uuid: string, what: string, epoch?: number): void {
    this.#actions += 1;
    const node = this.#look.node(uuid);
    if (node?.reservation === conductor && (epoch ?? node.reservation_epoch) === node.reservation_epoch)
      return;
    const holder = node ? `${node.reservation} (epoch ${node.reservation_epoch})` : 'nobody: it is gone';
    this.breaks('holder', uuid, `${conductor} (epoch ${epoch}) ${what}; the holder is ${holder}`);
  }

  /** A step that must not run twice reached the machine. */
  ranOnce(machine: string, operation: string, step: string): void {
    // What is begun anew by policy is another go at it, which the operator asked for.
    const { retries = 0 } = this.#look.operation(operation) ?? {};
    const key = `${machine} ${operation} ${retries} ${step}`;
    if (this.#ran.has(key)) this.breaks('once', machine, `${step} ran again for the operation ${operation}`);
    this.#ran.add(key);
  }

  /** A request was answered with 2xx. */
  acknowledge(node: string, requestId: string, what: string): void {
    const now = this.#now();
    this.lookAtCommits();
    if (!this.#told.has(requestId))
      this.breaks('kept', node, `${what} was accepted (${requestId}), and nothing is committed of it`);
    this.#acknowledged.push({ at: now, requestId, node, what });
    const [first] = this.#acknowledged;
    if (first && now - first.at > 2 * remembered)
      this.#acknowledged = this.#acknowledged.filter(({ at }) => now - at < remembered);
  }

  /** Something may have been lost that was answered for. */
  remember(): void {
    const newest = this.#look.newestEvent();
    if (newest < this.#lastEvent)
      this.breaks(
        'told',
        null,
        `the events from ${newest + 1} to ${this.#lastEvent} were there, and are gone`,
      );
    for (const { requestId, node, what } of this.#acknowledged)
      if (!this.#look.isToldOf(requestId))
        this.breaks('kept', node, `${what} was accepted (${requestId}), and is lost`);
  }

  /** Looks at what was committed since the last look. */
  lookAtCommits(): void {
    const commits = this.#commits();
    if (commits === this.#seenCommits) return;
    this.#seenCommits = commits;
    for (const event of this.#look.eventsAfter(this.#lastEvent)) this.#lookAt(event);
  }

  /** A line of a log. */
  hears(fields: object, message: string): void {
    const error: unknown = Reflect.get(fields, 'err');
    const isOurs =
      error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
    if (isOurs) this.breaks('sound', null, `${message}: ${error.stack}`);
    this.#readsNoSecret(null, `${message} ${wordsOf(fields)}`);
  }

  /** All is healed and has come to rest, or should have. */
  lookAtRest(): void {
    const open = this.#look.openOperations();
    const nodes = new Map(this.#look.nodes().map((node) => [node.uuid, node]));
    for (const operation of open) {
      const wait = operation.wait === null ? null : (JSON.parse(operation.wait) as { for: string });
      if (operation.state === 'waiting' && wait?.for === 'hold') continue;
      const what = `${operation.kind} is ${operation.state} at step ${operation.cursor}, waits for ${operation.wait}`;
      this.breaks('ends', operation.node_uuid, `${what}, owner ${operation.owner}`);
    }
    const isOpen = new Set(open.map(({ node_uuid }) => node_uuid));
    for (const node of nodes.values()) this.#lookAtNodeAtRest(node, isOpen.has(node.uuid));
    for (const text of this.#look.texts()) this.#readsNoSecret(null, text);
    this.remember();
  }

  /** Whether anything is still to come to its end. */
  isAtRest(): boolean {
    const open = this.#look.openOperations();
    const isHeld = (wait: string | null): boolean => wait !== null && wait.includes('"hold"');
    return (
      open.every(({ state, wait }) => state === 'waiting' && isHeld(wait)) &&
      this.#look.nodes().every(({ reservation }) => reservation === null)
    );
  }

  #lookAtNodeAtRest(node: SeenNode, hasOpen: boolean): void {
    const { uuid, provision_state: state } = node;
    if (node.reservation !== null) this.breaks('free', uuid, `${node.reservation} holds it in '${state}'`);
    const isGoing = underWay.has(stateRow(state as ProvisionState).kind); // as stored by the product
    if (isGoing && !hasOpen) this.breaks('ends', uuid, `it is in '${state}' and nothing is under way`);
    if (node.target_power_state !== null)
      this.breaks(
        'ends',
        uuid,
        `its power state is to become '${node.target_power_state}', and nobody sees to it`,
      );
  }

  #lookAt(event: SeenEvent): void {
    if (event.id !== this.#lastEvent + 1)
      this.breaks('told', event.node_uuid, `event ${event.id} follows ${this.#lastEvent}`);
    this.#lastEvent = event.id;
    if (event.request_id !== null) this.#told.add(event.request_id);
    this.#readsNoSecret(event.node_uuid, event.data);
    const { node_uuid: uuid } = event;
    if (uuid === null) return;
    const data = JSON.parse(event.data) as Record<string, string>; // as the kinds looked at below have it
    switch (event.kind) {
      case 'provision.transition':
        return this.#moved(uuid, String(data['from']), String(data['to']), String(data['event']));
      case 'node.updated':
        this.#asked.get(uuid)?.add(this.#digestOf(uuid));
        return;
      case 'node.deleted':
        this.#states.delete(uuid);
        return;
      case 'operation.finished':
        this.#queued.delete(uuid);
        return;
      case 'operation.queued':
        this.#queued.set(uuid, { since: this.#now(), kind: String(data['kind']), overtaken: 0 });
        return;
      case 'operation.started':
        return this.#started(uuid, String(data['kind']));
    }
  }

  #moved(uuid: string, from: string, to: string, event: string): void {
    const before = this.#states.get(uuid);
    if (before !== undefined && before !== from)
      this.breaks('told', uuid, `it went from '${from}' to '${to}', but was in '${before}'`);
    this.#states.set(uuid, to);
    const [machine, node] = [this.#machineOf(uuid), this.#look.node(uuid)];
    if (event === 'deploy' || event === 'rebuild') this.#asked.set(uuid, new Set([this.#digestOf(uuid)]));
    if (!machine || !node || event !== 'done') return;
    if (to === 'available' && from.startsWith('clean') && node.automated_clean !== 0 && !machine.isErased)
      this.breaks('erased', uuid, `on ${machine.name} there is ${contentOf(machine)}`);
    if (to === 'active' && from === 'deploying') this.#isDeployed(machine, node);
  }

  #isDeployed(machine: Machine, { uuid }: SeenNode): void {
    const asked = [...(this.#asked.get(uuid) ?? [])];
    if (!asked.some((digest) => machine.root.content === imageContent(digest)))
      this.breaks('bytes', uuid, `asked for ${asked.join(' or ')}; there is ${contentOf(machine)}`);
    if (machine.disks.some((disk) => disk !== machine.root && disk.writes > 0))
      this.breaks('hinted', uuid, `another disk than ${machine.root.serial} was written`);
  }

  #digestOf(uuid: string): string {
    const info = JSON.parse(this.#look.node(uuid)?.instance_info ?? '{}') as { image_os_hash_value?: string }; // as the operators write it
    return info.image_os_hash_value ?? '';
  }

  #started(uuid: string, kind: string): void {
    if (kind !== 'deploy') return;
    const atWork = this.#look.deployments();
    if (atWork > this.#deployLimit)
      this.breaks('limit', uuid, `${atWork} deployments are at work, of ${this.#deployLimit}`);
    const own = this.#queued.get(uuid);
    this.#queued.delete(uuid);
    for (const [other, queued] of this.#queued) {
      if (queued.kind !== kind || own === undefined || own.since <= queued.since) continue;
      queued.overtaken += 1;
      if (queued.overtaken > longestTurn)
        this.breaks('fair', other, `${queued.overtaken} deployments that came later began before it`);
    }
  }

  #readsNoSecret(node: string | null, text: string): void {
    const isToken = (): boolean => (text.match(/[\w-]{40,}/g) ?? []).some((word) => this.secrets.has(word));
    if (text.includes('S3CRET') || isToken()) this.breaks('secret', node, text.slice(0, 300));
  }
}

function contentOf(machine: Machine): string {
  return machine.disks.map(({ serial, content }) => `${serial}: ${content}`).join(', ');
}

/** A log line's fields as they would be written, errors with their causes. */
function wordsOf(fields: object): string {
  return Object.values(fields)
    .map((value: unknown) => (value instanceof Error ? wordsOfError(value) : JSON.stringify(value)))
    .join(' ');
}

function wordsOfError(error: Error): string {
  const cause = error.cause instanceof Error ? ` < ${wordsOfError(error.cause)}` : '';
  return `${error.name}: ${error.message}${cause}`;
}
