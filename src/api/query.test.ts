import assert from 'node:assert/strict';
import { it } from 'node:test';
import { booleanOf } from './query.ts';

it('true and false are told in words and numbers, by nothing else that JSON can hold', () => {
  for (const word of [true, 'True', ' yes ', '1', 1, 'on']) assert.equal(booleanOf(word), true);
  for (const word of [false, 'FALSE', 'n', 0]) assert.equal(booleanOf(word), false);
  const others: unknown[] = [
    '',
    'maybe',
    2,
    null,
    [],
    ['true'],
    {},
    { toString: null },
    { toString: 1, valueOf: 1 },
  ];
  for (const other of others) assert.equal(booleanOf(other), undefined);
});
