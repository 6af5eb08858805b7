import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { addEvent, type EventKind, latestCursor } from '#db/events.ts';
import { insertNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import { HTTPForbidden } from '#model/faults.ts';
import type { Access } from '../../access.ts';
import { type ApiUnderTest, startApi } from '../../testing/api-under-test.ts';

interface Told {
  id: string;
  kind: string;
  data: { number: number };
}

/** A client of Server-Sent Events: reads frames as they come. */
class Client {
  readonly #reader: ReadableStreamDefaultReader<string>;
  /** Everything that was read. */
  text = '';
  #rest = '';

  private constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .getReader();
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Client> {
    const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers } });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    assert.ok(response.body);
    const client = new Client(response.body);
    await client.#frame(); // The first says where the stream begins.
    return client;
  }

  /** The next frame, or undefined at the end of the stream. */
  async #frame(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\n\n');
      if (end >= 0) {
        const frame = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 2);
        return frame;
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.text += value;
      this.#rest += value;
    }
  }

  async next(): Promise<Told | undefined> {
    for (;;) {
      const frame = await this.#frame();
      if (frame === undefined) return undefined;
      const match = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(frame);
      if (match?.[1] && match[2] && match[3]) {
        const data = JSON.parse(match[3]) as { cursor: string; data: Told['data'] };
        assert.equal(data.cursor, match[1]);
        return { id: match[1], kind: match[2], data: data.data };
      }
    }
  }

  async take(count: number): Promise<Told[]> {
    const told: Told[] = [];
    while (told.length < count) {
      const one = await this.next();
      if (!one) break;
      told.push(one);
    }
    return told;
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}

describe('GET /ingot/v1/events', () => {
  let api: ApiUnderTest;
  let url: string;
  const nodes = { ours: crypto.randomUUID(), theirs: crypto.randomUUID() };
  const clients: Client[] = [];
  let number = 0;

  /** Adds events in one commit, numbered on; gives the numbers. */
  async function happen(
    count: number,
    node = nodes.ours,
    kind: EventKind = 'step.progress',
  ): Promise<number[]> {
    const numbers = Array.from({ length: count }, () => (number += 1));
    await api.store.write(async (transaction) => {
      for (const each of numbers)
        await addEvent(transaction, {
          at: wireTime(Date.now()),
          kind,
          node_uuid: node,
          operation_id: null,
          request_id: null,
          data: { number: each },
        });
    });
    return numbers;
  }

  async function open(query = '', headers: Record<string, string> = {}): Promise<Client> {
    const client = await Client.open(`${url}${query}`, headers);
    clients.push(client);
    return client;
  }

  const numbersOf = (told: readonly Told[]): number[] => told.map(({ data }) => data.number);

  before(async () => {
    api = await startApi({ access: callerFromHeader });
    url = `${api.url}/ingot/v1/events`;
    await api.store.write(async (transaction) => {
      for (const [owner, uuid] of Object.entries(nodes))
        await insertNode(transaction, {
          uuid,
          name: owner,
          owner,
          driver: 'fake-hardware',
          provision_state: 'manageable',
          created_at: wireTime(0),
        });
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.leave();
  });
  after(async () => await api[Symbol.asyncDispose]());

  it('gives pages of a list to who does not ask for a stream', async () => {
    const numbers = await happen(3);
    const first = (await api.request('GET', `/ingot/v1/events?limit=2`)).json;
    assert.equal(first.events.length, 2);
    const rest = (await api.request('GET', `/ingot/v1/events?after=${first.next}`)).json;
    const all = [...first.events, ...rest.events] as Told[];
    assert.deepEqual(numbersOf(all).slice(-3), numbers);
    const members = ['at', 'cursor', 'data', 'id', 'kind', 'node_uuid', 'operation_id', 'request_id'];
    assert.deepEqual(Object.keys(all[0] ?? {}).toSorted(), members);
    const none = (await api.request('GET', `/ingot/v1/events?after=${rest.next}`)).json;
    assert.deepEqual(none, { events: [], next: rest.next });
  });

  it('streams from now on, each event once and in order', async () => {
    await happen(5);
    const client = await open();
    const numbers = [...(await happen(2)), ...(await happen(700)), ...(await happen(1))];
    assert.deepEqual(numbersOf(await client.take(numbers.length)), numbers);
  });

  it('goes on from where a client was, whatever happened meanwhile, none missed and none twice', async () => {
    const client = await open();
    const numbers = await happen(3);
    const got = await client.take(2);
    await client.leave();
    numbers.push(...(await happen(450)));
    const again = open('', { 'last-event-id': got.at(-1)?.id ?? '' });
    // Commits of all sizes, while the client catches up and joins.
    for (let round = 0; round < 40; round += 1) numbers.push(...(await happen(1 + (round % 7))));
    got.push(...(await (await again).take(numbers.length - 2)));
    assert.deepEqual(numbersOf(got), numbers);
  });

  it('gives the same by `after`, which a header that came later goes before', async () => {
    const next = await latestCursor(api.store.read);
    const [one, two] = await happen(2);
    const client = await open(`?after=${next}`);
    const [first] = await client.take(1);
    assert.equal(first?.data.number, one);
    const later = await open(`?after=${next}`, { 'last-event-id': first?.id ?? '' });
    assert.deepEqual(numbersOf(await later.take(1)), [two]);
  });

  it('filters by node, kind and owner, in what was missed and in what comes', async () => {
    const next = await latestCursor(api.store.read);
    const wanted = async (query: string): Promise<Client> => await open(`?after=${next}&${query}`);
    const [theirs] = await happen(1, nodes.theirs, 'node.updated');
    const [ours] = await happen(1, nodes.ours, 'power.changed');
    const asked = {
      'node=theirs': [theirs],
      [`node=${nodes.ours}`]: [ours],
      'owner=theirs': [theirs],
      'kind=power.changed,node.created': [ours],
    };
    const streams = await Promise.all(Object.keys(asked).map(wanted));
    for (const [at, expected] of Object.values(asked).entries())
      assert.deepEqual(numbersOf((await streams[at]?.take(1)) ?? []), expected);
    const [theirsLater] = await happen(1, nodes.theirs, 'node.updated');
    const [oursLater] = await happen(1, nodes.ours, 'power.changed');
    for (const [at, expected] of [[theirsLater], [oursLater], [theirsLater], [oursLater]].entries())
      assert.deepEqual(numbersOf((await streams[at]?.take(1)) ?? []), expected);
  });

  it("shows a project the events of the nodes it owned at the time, and nobody else's", async () => {
    const next = await latestCursor(api.store.read);
    const client = await open(`?after=${next}`, { 'x-project': 'theirs' });
    await happen(2, nodes.ours);
    const [one] = await happen(1, nodes.theirs);
    await happen(2, nodes.ours);
    const [two] = await happen(1, nodes.theirs);
    assert.deepEqual(numbersOf(await client.take(2)), [one, two]);
    const page = await api.request('GET', `/ingot/v1/events?after=${next}`, {
      headers: { 'x-project': 'theirs' },
    });
    assert.deepEqual(numbersOf(page.json.events), [one, two]);
    assert.equal(
      (await api.request('GET', '/ingot/v1/events', { headers: { 'x-project': '' } })).status,
      403,
    );
  });

  it('a project is told nothing of a node of others, nor that there is one of that name', async () => {
    const status = async (method: 'GET' | 'POST', path: string, headers: Record<string, string>) =>
      (await api.request(method, `/ingot/v1/${path}`, { headers })).status;
    const theirs = { 'x-project': 'theirs' };
    const ways = [
      ['GET', 'events'],
      ['GET', 'explain'],
      ['GET', 'operations'],
      ['POST', 'preflight'],
      ['POST', 'cancel'],
    ] as const;
    for (const [method, what] of ways) {
      for (const node of ['ours', nodes.ours])
        assert.equal(await status(method, `nodes/${node}/${what}`, theirs), 404, what);
      assert.notEqual(await status(method, `nodes/theirs/${what}`, theirs), 404, what);
      assert.notEqual(await status(method, `nodes/ours/${what}`, {}), 404, what);
      assert.equal(await status(method, `nodes/theirs/${what}`, { 'x-project': '' }), 403, what);
    }
    assert.equal(await status('GET', 'events?node=ours', theirs), 404);
    assert.equal(await status('GET', 'events?node=theirs', theirs), 200);
  });

  it("a node's next owner is not shown what happened to it before", async () => {
    const [before] = await happen(1, nodes.theirs);
    const handTo = async (owner: string) =>
      await api.store.write(
        async (transaction) =>
          await transaction.updateTable('nodes').set({ owner }).where('uuid', '=', nodes.theirs).execute(),
      );
    await handTo('others');
    const [later] = await happen(1, nodes.theirs);
    const { json } = await api.request('GET', '/ingot/v1/nodes/theirs/events', {
      headers: { 'x-project': 'others' },
    });
    assert.deepEqual(numbersOf(json.events), [later]);
    await handTo('theirs');
    const all = (await api.request('GET', '/ingot/v1/nodes/theirs/events')).json;
    assert.deepEqual(numbersOf(all.events).slice(-2), [before, later]);
  });

  it('says what is wrong with a request', async () => {
    const status = async (query: string, headers: Record<string, string> = {}) =>
      (await api.request('GET', `/ingot/v1/events${query}`, { headers })).status;
    assert.equal(await status('?after=yesterday'), 400);
    assert.equal(await status('', { 'last-event-id': 'yesterday' }), 400);
    assert.equal(await status('?kind=party'), 400);
    assert.equal(await status('?node=nobody'), 404);
    assert.equal(await status('?color=red'), 400);
    assert.equal(await status('?after=999999999-999999999'), 410);
    // Only this route streams.
    assert.equal(
      (await fetch(`${api.url}/v1/nodes`, { headers: { accept: 'text/event-stream' } })).status,
      406,
    );
  });

  it('parts with a client that does not read, and holds no more than a bounded number of bytes for it', async () => {
    const { port } = new URL(api.url);
    const socket = connect({ port: Number(port), host: '127.0.0.1' });
    await once(socket, 'connect');
    const accepted = once(api.server, 'request');
    socket.write('GET /ingot/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n');
    const [, response] = (await accepted) as [unknown, ServerResponse];
    await once(socket, 'readable');
    // Not read from here on: buffers of both systems fill, then those of the process.
    let most = 0;
    while (!response.writableEnded) {
      await happen(500);
      most = Math.max(most, response.writableLength);
    }
    assert.ok(most < 2 * 2 ** 20, `${most} bytes waited`);
    socket.destroy();
  });

  it('waits for a client that catches up slowly without holding more for it each time', async () => {
    const next = await latestCursor(api.store.read);
    const count = 6000;
    await happen(count);
    const accepted = once(api.server, 'request');
    const client = open(`?after=${next}`);
    const [, response] = (await accepted) as [unknown, ServerResponse];
    let waits = 0;
    let most = 0;
    response.on('drain', () => {
      waits += 1;
      most = Math.max(most, response.listenerCount('close'));
    });
    await (await client).take(count);
    assert.ok(waits > 10, `waited for ${waits} times`);
    assert.ok(most < 10, `${most} listeners`);
  });

  it('ends every stream when the process does, saying how to come back', async () => {
    const other = await startApi();
    const client = await Client.open(`${other.url}/ingot/v1/events`);
    const closed = other[Symbol.asyncDispose]();
    assert.equal(await client.next(), undefined);
    assert.match(client.text, /: this process ends.*\nretry: \d+\n\n$/);
    await closed;
  });

  it('refuses a cursor whose successors are not kept any more', async () => {
    const { events } = (await api.request('GET', '/ingot/v1/events?limit=1')).json;
    await happen(1);
    await api.store.write(async (transaction) => {
      await transaction
        .deleteFrom('events')
        .where('id', '<=', events[0].id + 1)
        .execute();
    });
    const { status, text } = await api.request('GET', `/ingot/v1/events?after=${events[0].cursor}`);
    assert.equal(status, 410);
    assert.match(text, /not all kept any more/);
    assert.equal((await api.request('GET', '/ingot/v1/events?after=0')).status, 200);
  });
});

/** Callers say in a header in whose name they act; without one they may do everything. */
const callerFromHeader: Access = {
  identify: (headers) => {
    const project = headers['x-project'];
    return {
      userId: null,
      projectId: typeof project === 'string' ? project || null : null,
      isAdmin: project === undefined,
    };
  },
  check: (policy, caller) => {
    if (policy === 'baremetal:node:list_all' && !('isAdmin' in caller && caller.isAdmin))
      throw new HTTPForbidden({ resource: policy });
  },
};
