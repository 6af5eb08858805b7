import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { referencePages } from './reference-pages.ts';

describe('reference pages', () => {
  for (const [path, write] of Object.entries(referencePages)) {
    it(`${path} says what its table says`, () => {
      const written = readFileSync(join(import.meta.dirname, '..', path), 'utf8');
      assert.equal(written, write(), 'run: node tools/run.mjs tools/reference-pages.ts');
    });
  }
});
