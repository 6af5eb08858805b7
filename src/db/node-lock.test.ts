import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  type NodeLock,
  NodeLockLost,
  releaseNode,
  takeNode,
  takeNodeOver,
  writeLocked,
} from './node-lock.ts';
import { deleteNode, insertNode, keepNode, readNode } from './nodes.ts';
import type { Store } from './store.ts';
import { openTestStore, testOnEach } from './testing/databases.ts';

const uuid = '6a1f3b44-3f6e-4f0e-9d0f-1f0a1d1c0001';

async function insertFreeNode(store: Store): Promise<void> {
  await store.write(async (transaction) => {
    await insertNode(transaction, {
      uuid,
      driver: 'fake-hardware',
      provision_state: 'manageable',
      created_at: '2026-01-01T00:00:00.000000+00:00',
    });
  });
}

async function take(store: Store, holder: string): Promise<NodeLock | undefined> {
  const taken = await store.write(async (transaction) => await takeNode(transaction, uuid, holder));
  return taken?.lock;
}

async function takeOver(store: Store, from: string, holder: string): Promise<NodeLock | undefined> {
  const epoch = (await readNode(store.read, uuid))?.reservation_epoch ?? 0;
  return await takeOverAsSeen(store, { uuid, holder: from, epoch }, holder);
}

async function takeOverAsSeen(store: Store, seen: NodeLock, holder: string): Promise<NodeLock | undefined> {
  const taken = await store.write(async (transaction) => await takeNodeOver(transaction, seen, holder));
  return taken?.lock;
}

async function write(store: Store, lock: NodeLock, description: string): Promise<void> {
  await store.write(async (transaction) => await writeLocked(transaction, lock, { description }));
}

testOnEach(
  'a free node is taken with the changes of the same write; a held one is refused',
  async (openStore) => {
    await using store = await openStore();
    await insertFreeNode(store);
    const taken = await store.write(
      async (transaction) => await takeNode(transaction, uuid, 'one', { description: 'mine' }),
    );
    assert.equal(taken?.node.reservation, 'one');
    assert.equal(taken.node.description, 'mine');
    assert.equal(await take(store, 'two'), undefined);
    assert.equal(await take(store, 'one'), undefined);
    assert.equal((await readNode(store.read, uuid))?.reservation, 'one');
  },
);

testOnEach('a released node is free, with the last change; the lock is of no more use', async (openStore) => {
  await using store = await openStore();
  await insertFreeNode(store);
  const lock = await take(store, 'one');
  assert.ok(lock);
  await store.write(async (transaction) => await releaseNode(transaction, lock, { description: 'bye' }));
  const node = await readNode(store.read, uuid);
  assert.equal(node?.reservation, null);
  assert.equal(node.description, 'bye');
  await assert.rejects(write(store, lock, 'late'), NodeLockLost);
});

testOnEach(
  'after a take-over the old holder writes nothing, although it is the same host again',
  async (openStore) => {
    await using store = await openStore();
    await insertFreeNode(store);
    const old = await take(store, 'one');
    const lock = await takeOver(store, 'one', 'one');
    assert.ok(old && lock);
    assert.ok(lock.epoch > old.epoch);
    await assert.rejects(write(store, old, 'from the dead'), NodeLockLost);
    await assert.rejects(
      store.write(async (transaction) => await releaseNode(transaction, old)),
      NodeLockLost,
    );
    await write(store, lock, 'alive');
    assert.equal((await readNode(store.read, uuid))?.description, 'alive');
  },
);

testOnEach('only the holder that is named is taken over from', async (openStore) => {
  await using store = await openStore();
  await insertFreeNode(store);
  assert.equal(await takeOver(store, 'one', 'two'), undefined);
  await take(store, 'one');
  assert.equal(await takeOver(store, 'three', 'two'), undefined);
  assert.equal((await takeOver(store, 'one', 'two'))?.holder, 'two');
});

testOnEach('a holder that came back and took the node anew is not taken over from', async (openStore) => {
  await using store = await openStore();
  await insertFreeNode(store);
  const seen = await take(store, 'one');
  assert.ok(seen);
  const anew = await takeOver(store, 'one', 'one');
  assert.ok(anew);
  assert.equal(await takeOverAsSeen(store, seen, 'two'), undefined);
  await write(store, anew, 'still its own');
});

testOnEach(
  'a write whose lock is lost undoes all of its transaction, also for a deleted node',
  async (openStore) => {
    await using store = await openStore();
    await insertFreeNode(store);
    const lock = await take(store, 'one');
    assert.ok(lock);
    await store.write(async (transaction) => await deleteNode(transaction, uuid));
    const other = '6a1f3b44-3f6e-4f0e-9d0f-1f0a1d1c0002';
    await assert.rejects(
      store.write(async (transaction) => {
        await insertNode(transaction, {
          uuid: other,
          driver: 'fake-hardware',
          provision_state: 'enroll',
          created_at: '2026-01-01T00:00:00.000000+00:00',
        });
        await writeLocked(transaction, lock, {});
      }),
      NodeLockLost,
    );
    assert.equal(await readNode(store.read, other), undefined);
  },
);

/** What may happen to the lock of one node with two conductors about. */
const happening = fc.record({
  what: fc.constantFrom('take', 'write', 'release', 'crash', 'take over'),
  who: fc.constantFrom('one', 'two'),
});

testOnEach(
  'whatever happens in whatever order, only the last one that took the node writes to it',
  async (openStore) => {
    await using store = await openStore();
    await insertFreeNode(store);
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async (happenings) => {
        // Locks that anybody ever had; a conductor that crashed may wake up and use one again.
        const everTaken: NodeLock[] = [];
        let holder: NodeLock | undefined;
        await store.write(async (transaction) => {
          const node = await readNode(transaction, uuid);
          await transaction.updateTable('nodes').set({ reservation: null }).execute();
          assert.ok(node);
        });
        for (const { what, who } of happenings) {
          switch (what) {
            case 'take': {
              const lock = await take(store, who);
              assert.equal(lock !== undefined, holder === undefined);
              if (lock) everTaken.push((holder = lock));
              break;
            }
            case 'take over': {
              const other = who === 'one' ? 'two' : 'one';
              const lock = await takeOver(store, other, who);
              assert.equal(lock !== undefined, holder?.holder === other);
              if (lock) everTaken.push((holder = lock));
              break;
            }
            case 'crash': {
              // The host comes back and takes over from its earlier life.
              const lock = await takeOver(store, who, who);
              if (lock) everTaken.push((holder = lock));
              break;
            }
            case 'release': {
              if (holder?.holder !== who) break;
              const lock = holder;
              await store.write(async (transaction) => await releaseNode(transaction, lock));
              holder = undefined;
              break;
            }
            case 'write': {
              for (const lock of everTaken) {
                const mark = `${lock.holder}/${lock.epoch}`;
                if (lock === holder) await write(store, lock, mark);
                else await assert.rejects(write(store, lock, mark), NodeLockLost);
              }
              if (holder) {
                const node = await readNode(store.read, uuid);
                assert.equal(node?.description, `${holder.holder}/${holder.epoch}`);
              }
            }
          }
          const node = await readNode(store.read, uuid);
          assert.equal(node?.reservation ?? undefined, holder?.holder);
        }
      }),
      { numRuns: 40 },
    );
  },
);

// The embedded store runs one transaction at a time.
test('who keeps a node decides by what is so, not by what was when the transaction began', async () => {
  await using store = await openTestStore('postgres');
  await insertFreeNode(store);
  let attempts = 0;
  const holder = await store.write(async (transaction) => {
    attempts += 1;
    if (attempts === 1) assert.ok(await take(store, 'two'));
    return (await keepNode(transaction, uuid))?.reservation;
  });
  assert.equal(holder, 'two');
  assert.equal(attempts, 2);
});
