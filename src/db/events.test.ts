import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from 'pg';
import { addEvent, type EventKind, isCursor, latestCursor, readEvents, trimEvents } from './events.ts';
import { deleteNode, insertNode, updateNode } from './nodes.ts';
import { openPostgresStore } from './postgres-store.ts';
import type { Store, Transaction } from './store.ts';
import { aDatabase, testOnEach } from './testing/databases.ts';

const limits = { connections: 4, queue: 100 };

async function tell(transaction: Transaction, what: string, kind: EventKind = 'node.updated', node?: string) {
  const event = { at: '2026', kind, operation_id: null, request_id: null, data: { what } };
  await addEvent(transaction, { ...event, node_uuid: node ?? null });
}

async function told(store: Store, after: string | null, limit = 100): Promise<unknown[]> {
  return (await readEvents(store.read, { after, limit })).map(({ data }) => data['what']);
}

testOnEach('events are read on from any of them, none skipped and none repeated', async (openStore) => {
  await using store = await openStore();
  const start = await latestCursor(store.read);
  for (let each = 0; each < 7; each += 1)
    await store.write(async (transaction) => {
      await tell(transaction, `${each}a`);
      await tell(transaction, `${each}b`);
    });
  const all = await readEvents(store.read, { after: start, limit: 100 });
  assert.equal(all.length, 14);
  assert.equal(await latestCursor(store.read), all.at(-1)?.cursor);
  for (const [index, { cursor }] of all.entries()) {
    assert.ok(isCursor(cursor));
    const rest = await readEvents(store.read, { after: cursor, limit: 3 });
    assert.deepEqual(rest, all.slice(index + 1, index + 4));
  }
});

testOnEach('events are found by node, kind and whose the node was at the time', async (openStore) => {
  await using store = await openStore();
  const uuid = crypto.randomUUID();
  const node = { uuid, driver: 'fake-hardware', provision_state: 'enroll', created_at: '2026' } as const;
  await store.write(async (transaction) => {
    await insertNode(transaction, { ...node, owner: 'one' });
    await tell(transaction, 'of one', 'node.created', uuid);
    await updateNode(transaction, uuid, { owner: 'two', lessee: 'one' });
    await tell(transaction, 'of two', 'node.updated', uuid);
    await tell(transaction, 'of nobody');
    await tell(transaction, 'last', 'node.deleted', uuid);
    await deleteNode(transaction, uuid);
  });
  const found = async (filter: Omit<Parameters<typeof readEvents>[1], 'after' | 'limit'>) =>
    (await readEvents(store.read, { after: null, limit: 10, ...filter })).map(({ data }) => data['what']);
  assert.deepEqual(await found({ nodeUuid: uuid }), ['of one', 'of two', 'last']);
  assert.deepEqual(await found({ kinds: ['node.created', 'node.deleted'] }), ['of one', 'last']);
  assert.deepEqual(await found({ owner: 'one' }), ['of one']);
  assert.deepEqual(await found({ project: 'one' }), ['of one', 'of two', 'last']);
});

testOnEach('the newest events stay', async (openStore) => {
  await using store = await openStore();
  await store.write(async (transaction) => {
    for (let each = 0; each < 10; each += 1) await tell(transaction, `${each}`);
    await trimEvents(transaction, 3);
  });
  assert.deepEqual(await told(store, null), ['7', '8', '9']);
});

testOnEach('what is no cursor is refused; a plain number is one of an embedded store', async (openStore) => {
  await using store = await openStore();
  for (const text of ['', '-1', '1-', '1-2-3', 'x', ' 1', '9'.repeat(40)]) {
    assert.equal(isCursor(text), false, text);
    await assert.rejects(readEvents(store.read, { after: text, limit: 1 }), RangeError);
  }
  await store.write(async (transaction) => await tell(transaction, 'first'));
  assert.deepEqual(await told(store, '0'), ['first']);
});

test('an event of a transaction that began earlier and commits later is not passed by', async () => {
  await using database = await aDatabase('postgres');
  await using store = await openPostgresStore(database.connection, limits);
  const other = new Client(database.connection);
  await other.connect();
  await other.query('begin');
  await other.query(`insert into events (at, kind, data) values ('2026', 'node.updated', '{"what":"slow"}')`);
  await store.write(async (transaction) => await tell(transaction, 'quick'));
  const start = await latestCursor(store.read);
  assert.deepEqual(await told(store, start), [], 'what might still be put before it is waited for');
  await other.query('commit');
  await other.end();
  assert.deepEqual(await told(store, start), ['slow', 'quick']);
});

test('events written at once by many are all read by one who follows', async () => {
  await using database = await aDatabase('postgres');
  await using store = await openPostgresStore(database.connection, { connections: 12, queue: 1000 });
  const written = Promise.all(
    Array.from({ length: 300 }, async (_, index) =>
      store.write(async (transaction) => {
        await tell(transaction, `${index}`);
        await transaction.selectFrom('nodes').selectAll().execute();
      }),
    ),
  );
  const seen: unknown[] = [];
  for (let after: string | null = null; seen.length < 300;) {
    const page = await readEvents(store.read, { after, limit: 7 });
    seen.push(...page.map(({ data }) => data['what']));
    after = page.at(-1)?.cursor ?? after;
  }
  await written;
  assert.equal(new Set(seen).size, 300);
});

test('a dump that is restored on a server with lower transaction numbers keeps cursors in order', async () => {
  await using database = await aDatabase('postgres');
  let cursor: string;
  {
    await using store = await openPostgresStore(database.connection, limits);
    await store.write(async (transaction) => await tell(transaction, 'before the dump'));
    const client = new Client(database.connection);
    await client.connect();
    // As it would be when the old server had counted further than the new one.
    await client.query('update events set tx = tx + 1000000000');
    await client.end();
    const [old] = await readEvents(store.read, { after: null, limit: 1 });
    assert.equal(old, undefined);
    cursor = '1-0';
  }
  await using store = await openPostgresStore(database.connection, limits);
  await store.write(async (transaction) => await tell(transaction, 'after it'));
  const events = await readEvents(store.read, { after: cursor, limit: 10 });
  assert.deepEqual(
    events.map(({ data }) => data['what']),
    ['before the dump', 'after it'],
  );
  assert.deepEqual(await told(store, events[0]?.cursor ?? null), ['after it']);
  // And once more, so that what was added is added to.
  await store.write(async (transaction) => await tell(transaction, 'later'));
  assert.deepEqual(await told(store, events[1]?.cursor ?? null), ['later']);
});
