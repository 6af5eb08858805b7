// A server that stops, crashes, or is full; the way to it that breaks; other writers in between.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { Client } from 'pg';
import { type Postgres, startPostgres } from '#sim/cluster/postgres.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { insertNode } from './nodes.ts';
import { openPostgresStore, type PostgresLimits } from './postgres-store.ts';
import { type Store, StoreError } from './store.ts';
import { countOf, countOne } from './testing/counted-writes.ts';

let postgres: Postgres;
before(async () => {
  postgres = await startPostgres();
});
after(async () => await postgres.remove());

const aNode = (uuid: string = crypto.randomUUID()) =>
  ({ uuid, driver: 'fake-hardware', provision_state: 'enroll', created_at: '2026' }) as const;

async function insert(store: Store, uuid: string): Promise<void> {
  await store.write(async (transaction) => void (await insertNode(transaction, aNode(uuid))));
}

describe('a server that goes away under load', () => {
  for (const [how, restart] of [
    ['in order', async () => await postgres.restart()],
    [
      'by a crash',
      async () => {
        await postgres.crash();
        await postgres.restart();
      },
    ],
  ] as const)
    test(`${how} loses no write that was told, and keeps none that was refused`, async () => {
      await using store = await openPostgresStore(postgres.url);
      const stored = new Set<string>();
      const refused = new Set<string>();
      const load = new AbortController();
      const writers = Array.from({ length: 16 }, async () => {
        while (!load.signal.aborted) {
          const uuid = crypto.randomUUID();
          try {
            await insert(store, uuid);
            stored.add(uuid);
          } catch (error) {
            assert.ok(error instanceof TemporaryFailure, String(error));
            refused.add(uuid);
            // The server is away: to ask at once again would only keep the processor busy.
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        }
      });
      for (let round = 1; round <= 3; round += 1) {
        const enough = stored.size + 100;
        while (stored.size < enough) await new Promise((resolve) => setImmediate(resolve));
        await restart();
      }
      const enough = stored.size + 100;
      while (stored.size < enough) await new Promise((resolve) => setImmediate(resolve));
      load.abort();
      await Promise.all(writers);
      const rows = await store.read.selectFrom('nodes').select('uuid').execute();
      const kept = new Set(rows.map(({ uuid }) => uuid));
      assert.deepEqual(
        [...stored].filter((uuid) => !kept.has(uuid)),
        [],
      );
      assert.deepEqual(
        [...refused].filter((uuid) => kept.has(uuid)),
        [],
      );
    });

  test('answers reads and writes as not possible now, and recovers by itself', async () => {
    await using store = await openPostgresStore(postgres.url);
    await postgres.stop();
    await assert.rejects(countOf(store, 'any'), TemporaryFailure);
    await assert.rejects(insert(store, crypto.randomUUID()), (error: Error) => {
      return error instanceof TemporaryFailure && /database cannot be asked/.test(error.message);
    });
    await postgres.restart();
    await insert(store, crypto.randomUUID());
    assert.equal(await countOf(store, 'none of that name'), 0);
  });
});

/** A way to the server that can be told to break at the next commit. */
async function openThroughBreakableWay(limits: Partial<PostgresLimits> = {}) {
  const server = new URL(postgres.url);
  const way = {
    breakAt: null as 'before commit' | 'after commit' | 'on the way of the commit' | null,
    /** Lets the commit arrive that is still on its way. */
    arrive: () => {},
  };
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(Number(server.port), server.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        if (!isHeld) upstream.destroy();
      });
    }
    let isMute = false;
    let isHeld = false;
    client.on('data', (data: Buffer) => {
      const breakAt = data.includes('commit\0') ? way.breakAt : null;
      if (breakAt !== null) {
        way.breakAt = null;
        isMute = true;
      }
      isHeld = breakAt === 'on the way of the commit';
      if (isHeld) way.arrive = () => upstream.end(data);
      if (breakAt === null || breakAt === 'after commit') upstream.write(data);
      else client.destroy();
    });
    upstream.on('data', (data: Buffer) => {
      // The server's answer to the commit is where the way breaks.
      if (isMute) client.destroy();
      else client.write(data);
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  assert.ok(address !== null && typeof address === 'object');
  const url = new URL(server);
  url.port = String(address.port);
  const store = await openPostgresStore(url.href, { connections: 4, queue: 100, ...limits });
  return {
    store,
    way,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}

describe('a commit whose answer is lost', () => {
  for (const where of ['before commit', 'after commit'] as const)
    test(`is neither lost nor done twice when the way breaks ${where}`, async () => {
      await using ground = await openThroughBreakableWay();
      const { store, way } = ground;
      const name = crypto.randomUUID();
      way.breakAt = where;
      let runs = 0;
      await store.write(async (transaction) => {
        runs += 1;
        await countOne(transaction, name);
      });
      assert.equal(way.breakAt, null);
      assert.equal(await countOf(store, name), 1);
      assert.equal(runs, where === 'after commit' ? 1 : 2);
    });

  test('is waited for while the commit is still on its way', async () => {
    await using ground = await openThroughBreakableWay();
    const { store, way } = ground;
    const name = crypto.randomUUID();
    way.breakAt = 'on the way of the commit';
    let runs = 0;
    const written = store.write(async (transaction) => {
      runs += 1;
      await countOne(transaction, name);
    });
    const onlooker = new Client(postgres.url);
    await onlooker.connect();
    const waiting = `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%writers%'`;
    const isDecided = async (): Promise<boolean> =>
      // Whoever does not wait for it runs a second time.
      runs > 1 || (await onlooker.query(waiting)).rows.length > 0;
    while (!(await isDecided()));
    await onlooker.end();
    way.arrive();
    await written;
    assert.equal(await countOf(store, name), 1);
    assert.equal(runs, 1);
  });

  test('is told as not known when nobody can be asked in time', async () => {
    await using ground = await openThroughBreakableWay({ outcomeMilliseconds: 0 });
    ground.way.breakAt = 'after commit';
    await assert.rejects(
      insert(ground.store, crypto.randomUUID()),
      (error: Error) =>
        error instanceof TemporaryFailure && /not known whether it is stored/.test(error.message),
    );
  });
});

test('writers beyond the sessions and the queue are refused at once, and others take their place later', async () => {
  await using store = await openPostgresStore(postgres.url, { connections: 3, queue: 1 });
  const name = crypto.randomUUID();
  await store.write(async (transaction) => await countOne(transaction, name));
  const holder = new Client(postgres.url);
  await holder.connect();
  await holder.query(`begin; update gates set passed = 100 where name = '${name}'`);
  const count = async () => await store.write(async (transaction) => await countOne(transaction, name));
  // Two have a session each and wait for the row, the third waits for a session.
  const waiting = [count(), count(), count()];
  await assert.rejects(count(), TemporaryFailure);
  assert.equal(await countOf(store, name), 1, 'readers have their own sessions');
  await holder.query('commit');
  await holder.end();
  await Promise.all(waiting);
  await count();
  assert.equal(await countOf(store, name), 104);
});

test('a statement that fails fails the whole write, even where the change takes no notice', async () => {
  await using store = await openPostgresStore(postgres.url);
  const node = aNode();
  await insert(store, node.uuid);
  const name = crypto.randomUUID();
  await assert.rejects(
    store.write(async (transaction) => {
      await countOne(transaction, name);
      await insertNode(transaction, node).catch(() => {});
    }),
    /failed without failing the transaction/,
  );
  assert.equal(await countOf(store, name), 0);
});

test('what the server says of a refused row tells nobody what the row holds', async () => {
  await using store = await openPostgresStore(postgres.url);
  const secret = 'password-of-the-bmc';
  const refused = store.write(async (transaction) => {
    // Nothing may be null in a column that says so; the server would answer with the whole row.
    await insertNode(transaction, { ...aNode(), driver: null as never, driver_info: { secret } });
  });
  await assert.rejects(refused, (error: Error) => {
    assert.ok(!inspect(error, { depth: 9 }).includes(secret));
    return true;
  });
});

test('text that PostgreSQL has no place for is stored as far as it has', async () => {
  await using store = await openPostgresStore(postgres.url);
  const node = { ...aNode(), last_error: 'BMC said \0\0 and hung up' };
  const stored = await store.write(async (transaction) => await insertNode(transaction, node));
  assert.equal(stored.last_error, 'BMC said \uFFFD\uFFFD and hung up');
});

test('a server that cannot be reached is named, without the password', async () => {
  await assert.rejects(
    openPostgresStore('postgresql://ingot:hunter2@127.0.0.1:1/ingot'),
    (error: Error) =>
      error instanceof StoreError &&
      error.message.includes('127.0.0.1:1') &&
      !error.message.includes('hunter2'),
  );
});
