import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdStore } from './hold-store.ts';
import { openSqliteStore, StoreError } from './store.ts';

test('a store that is held is refused to others until it is let go of', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-hold-'));
  t.after(async () => await rm(folder, { recursive: true }));
  const path = join(folder, 'new', 'ingot.sqlite');
  const hold = () => holdStore(path, { patienceMilliseconds: 0 });
  {
    using _held = hold();
    assert.throws(
      hold,
      (error) => error instanceof StoreError && /another Ingot is using it/.test(error.message),
    );
    await using _store = await openSqliteStore(path);
  }
  hold()[Symbol.dispose]();
});
