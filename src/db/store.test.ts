import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { openSqliteStore } from './store.ts';

it("a store's files are its owner's alone to read", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-store-'));
  try {
    await using _store = await openSqliteStore(join(folder, 'store.sqlite'));
    const names = await readdir(folder);
    assert.ok(names.length > 1, 'the log of writes is there too');
    for (const name of names) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
  } finally {
    await rm(folder, { recursive: true });
  }
});
