import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databasePlace, openStore } from './open-store.ts';
import { StoreError } from './store.ts';

const places = [
  ['sqlite:////var/lib/ingot/ingot.sqlite', { kind: 'sqlite', path: '/var/lib/ingot/ingot.sqlite' }],
  ['sqlite:///ingot.sqlite', { kind: 'sqlite', path: 'ingot.sqlite' }],
  ['postgresql://me@db/ingot', { kind: 'postgres', url: 'postgresql://me@db/ingot' }],
  ['postgres://me@db/ingot', { kind: 'postgres', url: 'postgresql://me@db/ingot' }],
  [
    'postgresql+psycopg2://me:p@db:5433/ingot?sslmode=verify-full',
    { kind: 'postgres', url: 'postgresql://me:p@db:5433/ingot?sslmode=verify-full' },
  ],
  ['mysql+pymysql://me@db/ironic', undefined],
  ['', undefined],
] as const;

test('a connection names a place by its form', () => {
  for (const [connection, place] of places) assert.deepEqual(databasePlace(connection), place, connection);
});

test('a database of another kind is refused with words', async () => {
  await assert.rejects(
    openStore('mysql+pymysql://me:secret@db/ironic', { batch: 1, queue: 1, connections: 1 }),
    (error) =>
      error instanceof StoreError && /postgresql:\/\//.test(error.message) && !/secret/.test(error.message),
  );
});
