// What really stands in the database, for whoever judges: it sees every commit at once, whatever the network does.
import { DatabaseSync } from 'node:sqlite';

export interface SeenNode {
  readonly uuid: string;
  readonly provision_state: string;
  readonly power_state: string | null;
  readonly target_power_state: string | null;
  readonly reservation: string | null;
  readonly reservation_epoch: number;
  readonly maintenance: number;
  readonly fault: string | null;
  readonly disable_power_off: number;
  readonly automated_clean: number | null;
  readonly last_error: string | null;
  readonly instance_info: string;
}

export interface SeenEvent {
  readonly id: number;
  readonly kind: string;
  readonly node_uuid: string | null;
  readonly operation_id: string | null;
  readonly request_id: string | null;
  readonly data: string;
}

export interface SeenOperation {
  readonly id: string;
  readonly node_uuid: string;
  readonly kind: string;
  readonly state: string;
  readonly wait: string | null;
  readonly cursor: number;
  readonly attempt: number;
  readonly owner: string;
  readonly steps: string;
  readonly error: string | null;
  /** How often it was begun anew. */
  readonly retries: number;
  readonly finished_at: string | null;
}

export class Look {
  readonly #database: DatabaseSync;
  readonly #node;
  readonly #nodes;
  readonly #events;
  readonly #eventsOf;
  readonly #newest;
  readonly #open;
  readonly #deploying;
  readonly #operation;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    const nodes =
      'SELECT uuid, provision_state, power_state, target_power_state, reservation, reservation_epoch, maintenance, ' +
      'fault, disable_power_off, automated_clean, last_error, instance_info FROM nodes';
    const operations =
      'SELECT id, node_uuid, kind, state, wait, cursor, attempt, owner, steps, error, retries, finished_at FROM operations';
    this.#node = this.#database.prepare(`${nodes} WHERE uuid = ?`);
    this.#nodes = this.#database.prepare(`${nodes} ORDER BY id`);
    this.#events = this.#database.prepare(
      'SELECT id, kind, node_uuid, operation_id, request_id, data FROM events WHERE id > ? ORDER BY id',
    );
    this.#eventsOf = this.#database.prepare('SELECT 1 FROM events WHERE request_id = ? LIMIT 1');
    this.#newest = this.#database.prepare('SELECT max(id) AS id FROM events');
    this.#open = this.#database.prepare(`${operations} WHERE finished_at IS NULL ORDER BY created_at, id`);
    this.#deploying = this.#database.prepare(
      "SELECT count(*) AS count FROM operations JOIN nodes ON nodes.uuid = operations.node_uuid WHERE kind = 'deploy' " +
        "AND finished_at IS NULL AND coalesce(wait, '') NOT LIKE '%\"turn\"%' " +
        "AND provision_state IN ('deploying', 'wait call-back')",
    );
    this.#operation = this.#database.prepare(`${operations} WHERE id = ?`);
  }

  // The rows are as the statements select them.

  node(uuid: string): SeenNode | undefined {
    return this.#node.get(uuid) as SeenNode | undefined;
  }

  nodes(): SeenNode[] {
    return this.#nodes.all() as unknown as SeenNode[];
  }

  eventsAfter(id: number): SeenEvent[] {
    return this.#events.all(id) as unknown as SeenEvent[];
  }

  isToldOf(requestId: string): boolean {
    return this.#eventsOf.get(requestId) !== undefined;
  }

  newestEvent(): number {
    return Number(this.#newest.get()?.['id'] ?? 0);
  }

  openOperations(): SeenOperation[] {
    return this.#open.all() as unknown as SeenOperation[];
  }

  /** Deployments at work; one that is held leaves its place to others. */
  deployments(): number {
    return Number(this.#deploying.get()?.['count']);
  }

  operation(id: string): SeenOperation | undefined {
    return this.#operation.get(id) as SeenOperation | undefined;
  }

  /** Texts of history and events, where no secret may stand. */
  texts(): string[] {
    const history = this.#database.prepare('SELECT event AS text FROM node_history').all();
    return history.map(({ text }) => String(text));
  }

  close(): void {
    this.#database.close();
  }
}
