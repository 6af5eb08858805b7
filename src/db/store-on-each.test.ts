// What the store promises on every database.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { violatedColumn } from './constraint.ts';
import { passGate } from './gate.ts';
import { listNodeRows } from './node-list.ts';
import { insertNode, readNode, updateNode } from './nodes.ts';
import type { Reader, Transaction } from './store.ts';
import type { NodeRow } from './tables.ts';
import { aDatabase, databases, testOnEach } from './testing/databases.ts';

const aNode = () =>
  ({
    uuid: crypto.randomUUID(),
    driver: 'fake-hardware',
    provision_state: 'enroll',
    created_at: '2026-01-01T00:00:00.000000+00:00',
  }) as const;

testOnEach('of writers that change one row at once none undoes another', async (openStore) => {
  await using store = await openStore();
  const { uuid } = await store.write(
    async (transaction) => await insertNode(transaction, { ...aNode(), extra: { count: 0 } }),
  );
  const countOn = async () =>
    await store.write(async (transaction) => {
      const node = await readNode(transaction, uuid);
      await updateNode(transaction, uuid, { extra: { count: Number(node?.extra['count']) + 1 } });
    });
  await Promise.all(Array.from({ length: 60 }, countOn));
  assert.deepEqual((await readNode(store.read, uuid))?.extra, { count: 60 });
});

async function countNodes(reader: Reader | Transaction): Promise<number> {
  const count = reader.selectFrom('nodes').select((nodes) => nodes.fn.countAll<number>().as('all'));
  return (await count.executeTakeFirstOrThrow()).all;
}

testOnEach('a limit that is counted behind a gate is kept by all who come at once', async (openStore) => {
  await using store = await openStore();
  const insertIfRoom = async (): Promise<boolean> =>
    await store.write(async (transaction) => {
      await passGate(transaction, 'nodes');
      if ((await countNodes(transaction)) >= 5) return false;
      await insertNode(transaction, aNode());
      return true;
    });
  const inserted = await Promise.all(Array.from({ length: 40 }, insertIfRoom));
  assert.equal(inserted.filter(Boolean).length, 5);
  assert.equal(await countNodes(store.read), 5);
});

testOnEach('a value that must be unique is named by its column', async (openStore) => {
  await using store = await openStore();
  const taken = { ...aNode(), name: 'one', instance_uuid: crypto.randomUUID() };
  const insert = async (node: typeof taken) =>
    await store.write(async (transaction) => void (await insertNode(transaction, node)));
  await insert(taken);
  for (const column of ['uuid', 'name', 'instance_uuid'] as const) {
    const other = { ...aNode(), name: 'two', instance_uuid: crypto.randomUUID(), [column]: taken[column] };
    await assert.rejects(insert(other), (error) => violatedColumn(error) === `nodes.${column}`);
  }
});

/** Such that a database which goes by a language would put them in another order. */
const names = ['B', 'a', 'Z', 'z', 'é', 'e', '_', '-1', '10', '9', 'Ä', '\u{1F600}', '\u{FFFD}'];

testOnEach('pages follow each other by code point, nothing first, and skip no row', async (openStore) => {
  await using store = await openStore();
  await store.write(async (transaction) => {
    for (const description of [null, ...names, null])
      await insertNode(transaction, { ...aNode(), description });
  });
  const inOrder = [
    null,
    null,
    ...names.toSorted((one, other) => Buffer.from(one).compare(Buffer.from(other))),
  ];
  for (const descending of [false, true]) {
    const seen: (string | null)[] = [];
    for (let after: NodeRow | undefined; ;) {
      const page = await listNodeRows(store.read, {
        columns: ['id', 'description'],
        filter: {},
        sortKey: 'description',
        descending,
        limit: 2,
        ...(after ? { after } : {}),
      });
      seen.push(...page.map(({ description }) => description ?? null));
      // The two columns that were asked for are those that a page goes by.
      after = page.at(-1) as NodeRow | undefined;
      if (!after) break;
    }
    assert.deepEqual(seen, descending ? inOrder.toReversed() : inOrder);
  }
});

testOnEach('a description is searched without regard to case, and for what is written', async (openStore) => {
  await using store = await openStore();
  await store.write(async (transaction) => {
    for (const description of ['Rack 100% FULL', 'rack 100 full', String.raw`back\slash`, 'under_score'])
      await insertNode(transaction, { ...aNode(), description });
  });
  const found = async (text: string) => {
    const filter = { description_contains: text };
    const page = { columns: ['description'], filter, sortKey: 'id', descending: false } as const;
    return (await listNodeRows(store.read, page)).map(({ description }) => description);
  };
  assert.deepEqual(await found('RACK'), ['Rack 100% FULL', 'rack 100 full']);
  assert.deepEqual(await found('100%'), ['Rack 100% FULL']);
  assert.deepEqual(await found('r_s'), ['under_score']);
  assert.deepEqual(await found('\\'), [String.raw`back\slash`]);
});

const run = promisify(execFile);

for (const kind of databases)
  test(`a new database is made ready once by processes that start together (${kind})`, async () => {
    await using database = await aDatabase(kind);
    const program = join(import.meta.dirname, 'testing/open-and-close.ts');
    const args = ['--disable-warning=ExperimentalWarning', program, database.connection];
    const outputs = await Promise.all(
      Array.from({ length: 3 }, async () => (await run(process.execPath, args)).stdout.trim()),
    );
    assert.deepEqual(outputs, ['0', '0', '0']);
  });
