// What is measured, in order, and against which server it makes no difference.
import { randomUUID } from 'node:crypto';
import { BenchError } from './bench-error.ts';
import { Client } from './client.ts';
import { changeAll, changes } from './lifecycle.ts';
import { type Gauge, measure, type Measurement, repeatFor, repeatTimes, type Work } from './measure.ts';
import { aFakeNode, createNode, deleteNode } from './nodes.ts';

export const phaseNames = [
  'create',
  'root',
  'show',
  'list',
  'detail',
  'patch',
  ...changes.map((change) => change.phase),
] as const;

export interface Amounts {
  nodes: number;
  seconds: number;
  connections: number;
  lifecycle: number;
}

/** Requests that write go out this many at a time. */
const writers = 8;
/** The API's longest page. */
const pageLimit = 1000;

/** One server under measurement: its nodes are made by the phase `create`, which every other needs. */
export class Session {
  readonly #client: Client;
  readonly #gauge: Gauge;
  readonly #amounts: Amounts;
  readonly #run = randomUUID().slice(0, 8);
  readonly #nodes: string[] = [];
  readonly #inLife: string[] = [];

  constructor(url: string, gauge: Gauge, amounts: Amounts) {
    this.#client = new Client(url, amounts.connections);
    this.#gauge = gauge;
    this.#amounts = amounts;
  }

  /** Runs one phase. Those before it in `phaseNames` that it builds upon must have run. */
  async run(phase: string): Promise<Measurement> {
    const work = await this.#prepare(phase);
    return await measure(this.#gauge, phase, work);
  }

  /** Takes away what was created, for a server that lives on. */
  async removeNodes(): Promise<void> {
    const all = [...this.#nodes, ...this.#inLife];
    await repeatTimes(all.length, writers, async (index) => await deleteNode(this.#client, all[index] ?? ''));
  }

  async close(): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  async #prepare(phase: string): Promise<() => Promise<Work>> {
    switch (phase) {
      case 'create':
        return async () => await this.#create(this.#nodes, this.#amounts.nodes, `bench-${this.#run}`);
      case 'root':
        return await this.#reads(() => '/v1');
      case 'show':
        return await this.#reads((index) => `/v1/nodes/${this.#nodeAt(index)}`);
      case 'list':
        return await this.#reads(() => `/v1/nodes?limit=${pageLimit}`);
      case 'detail':
        return await this.#reads(() => `/v1/nodes/detail?limit=${pageLimit}`);
      case 'patch':
        return async () =>
          await repeatFor(this.#amounts.seconds, writers, async (index) => await this.#patch(index));
      default:
        return await this.#lifePhase(phase);
    }
  }

  /** A short run first, unmeasured, so that what is loaded or compiled at first use is not in the figures. */
  async #reads(pathOf: (index: number) => string): Promise<() => Promise<Work>> {
    const { seconds, connections } = this.#amounts;
    const read = async (index: number) => await this.#client.fetchAndDrop(pathOf(index));
    await repeatFor(Math.min(1, seconds / 4), connections, read);
    return async () => await repeatFor(seconds, connections, read);
  }

  async #create(into: string[], count: number, prefix: string): Promise<Work> {
    return await repeatTimes(count, writers, async (index) => {
      const uuid = randomUUID();
      await createNode(this.#client, aFakeNode(uuid, `${prefix}-${index}`, prefix));
      into.push(uuid);
    });
  }

  #nodeAt(index: number): string {
    const uuid = this.#nodes[index % this.#nodes.length];
    if (uuid === undefined)
      throw new BenchError('There are no nodes to measure with: --nodes must be above 0.');
    return uuid;
  }

  async #patch(index: number): Promise<void> {
    const changed = [{ op: 'add', path: '/extra/counter', value: index }];
    await this.#client.json('PATCH', `/v1/nodes/${this.#nodeAt(index)}`, 200, changed);
  }

  async #lifePhase(phase: string): Promise<() => Promise<Work>> {
    const change = changes.find((one) => one.phase === phase);
    if (!change)
      throw new BenchError(`There is no phase '${phase}'. The phases are ${phaseNames.join(', ')}.`);
    const resourceClass = `bench-life-${this.#run}`;
    if (this.#inLife.length === 0) await this.#create(this.#inLife, this.#amounts.lifecycle, resourceClass);
    return async () => await changeAll(this.#client, this.#inLife, resourceClass, change);
  }
}
