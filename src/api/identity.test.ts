import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalUuid } from './identity.ts';

const uuid = '1be26c0b-03f2-4d2e-ae87-c02d7f33c123';

describe('canonicalUuid', () => {
  it('takes what Python takes for a UUID', () => {
    for (const text of [uuid, `{${uuid}}`, `urn:uuid:${uuid}`, uuid.replaceAll('-', ''), uuid.toUpperCase()])
      assert.equal(canonicalUuid(text), uuid);
  });

  it('refuses a long run of braces without trying it from each of them', () => {
    // Tried so, these would take a quarter of an hour.
    const braces = '{'.repeat(2 ** 20);
    for (const text of [braces, `x${braces}x`, `${braces}x${braces}`])
      assert.equal(canonicalUuid(text), undefined);
  });
});
