import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { percentile, rangeOf } from './statistics.ts';

test('a percentile is the smallest value that this share of all values do not exceed', () => {
  const values = [5, 1, 4, 2, 3];
  assert.equal(percentile(values, 0.5), 3);
  assert.equal(percentile(values, 0.99), 5);
  assert.equal(percentile(values, 0), 1);
  assert.equal(percentile([7], 0.99), 7);
  assert.equal(percentile([], 0.5), null);
  assert.deepEqual(values, [5, 1, 4, 2, 3]);
});

test('any percentile is one of the values, with that share of them at or below it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        const found = percentile(values, share);
        assert.ok(found !== null && values.includes(found));
        assert.ok(values.filter((value) => value <= found).length >= share * values.length);
      },
    ),
  );
});

test('a range is the least and the greatest', () => {
  assert.deepEqual(rangeOf([3, 1, 2]), { least: 1, greatest: 3 });
  assert.equal(rangeOf([]), null);
});
