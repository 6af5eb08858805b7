// One client per controller and user, so that its queue, its breaker and its session are everybody's.
import { hash } from 'node:crypto';
import { RedfishClient, type RedfishWorld } from './client.ts';
import type { RedfishOptions, RedfishTarget } from './options.ts';

export interface RedfishPoolOptions extends RedfishOptions {
  /** So many clients are kept; beyond that the one not used for longest ends its session. */
  connectionCacheSize: number;
}

export class RedfishPool implements AsyncDisposable {
  readonly #options: RedfishPoolOptions;
  readonly #world: RedfishWorld;
  /** In the order of last use. */
  readonly #clients = new Map<string, RedfishClient>();

  constructor(options: RedfishPoolOptions, world: RedfishWorld) {
    this.#options = options;
    this.#world = world;
  }

  /**
   * The client for `target`; ask for it anew for each piece of work instead of keeping it. Opens no connection.
   * Throws BmcSettingInvalid.
   */
  client(target: RedfishTarget): RedfishClient {
    const key = keyOf(target);
    const client = this.#clients.get(key) ?? new RedfishClient(target, this.#options, this.#world);
    this.#clients.delete(key);
    this.#clients.set(key, client);
    this.#evict(client);
    return client;
  }

  /** The client for `target` where somebody asked for it before; none is made. Throws BmcSettingInvalid. */
  known(target: RedfishTarget): RedfishClient | undefined {
    return this.#clients.get(keyOf(target));
  }

  /** How many controllers are not asked for a while, because they did not answer. */
  get leftAlone(): number {
    return [...this.#clients.values()].filter((client) => client.reachability.openUntil !== null).length;
  }

  /** Ends every session. */
  async [Symbol.asyncDispose](): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  }

  /** A client at work is never put out, so there may for a while be as many as there is work. */
  #evict(newest: RedfishClient): void {
    for (const [key, client] of this.#clients) {
      if (this.#clients.size <= this.#options.connectionCacheSize) return;
      if (client === newest || !client.isIdle) continue;
      this.#clients.delete(key);
      // Only logged out: who still holds it may go on, with a new session. It cannot fail.
      void client.logOut();
    }
  }
}

/** A changed password is another client: the session of the old one must not serve it. */
function keyOf({ address, username, password, authType, verifyCa }: RedfishTarget): string {
  const passwordHash = hash('sha256', password, 'base64');
  return JSON.stringify([address, username, passwordHash, authType, verifyCa]);
}
