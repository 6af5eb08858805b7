import type { FastifyInstance } from 'fastify';
import { createApi } from '#api/create-api.ts';
import type { ApiParts } from '#api/parts.ts';
import { Party } from './party.ts';
import type { Scheduler } from './scheduler.ts';

export interface Reply {
  readonly status: number;
  readonly requestId: string;
  /** The body's JSON, looked into freely by those who know what they asked. */
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into, not programmed with
  readonly json: any;
}

export interface ApiRequest {
  readonly method: string;
  readonly url: string;
  readonly body?: unknown;
}

/** A process of the API, that can end and start again. */
export class SimulatedApi {
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #partsOf: (party: Party) => ApiParts;
  readonly #onEnd: (party: Party) => void;
  #party: Party | undefined;
  #app: FastifyInstance | undefined;

  constructor(
    name: string,
    world: {
      scheduler: Scheduler;
      partsOf: (party: Party) => ApiParts;
      onEnd: (party: Party) => void;
    },
  ) {
    this.name = name;
    this.#scheduler = world.scheduler;
    this.#partsOf = world.partsOf;
    this.#onEnd = world.onEnd;
  }

  get isUp(): boolean {
    return this.#party !== undefined;
  }

  async start(): Promise<void> {
    const party = new Party(this.#scheduler, this.name, 0);
    const app = createApi(this.#partsOf(party));
    await app.ready();
    this.#party = party;
    this.#app = app;
  }

  kill(): void {
    if (!this.#party) return;
    this.#party.die();
    this.#onEnd(this.#party);
    this.#party = undefined;
    this.#app = undefined;
  }

  /** Never resolves when the process ends meanwhile. */
  async answer({ method, url, body }: ApiRequest): Promise<Reply> {
    const [app, party] = [this.#app, this.#party];
    if (!app || !party) throw new Error('The API does not listen');
    const response = await app.inject({
      method: method as 'GET', // one that the server has
      url,
      headers: {
        'x-openstack-ironic-api-version': '1.109',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    this.#scheduler.stir();
    if (party.isDead) await new Promise<never>(() => {});
    return {
      status: response.statusCode,
      requestId: String(response.headers['openstack-request-id'] ?? ''),
      json: response.body === '' ? null : JSON.parse(response.body),
    };
  }
}
