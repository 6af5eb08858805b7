import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Fault } from '#model/fault.ts';
import { Invalid, PatchError } from '#model/faults.ts';
import { applyPatch, parsePatch } from './json-patch.ts';

const patched = (document: Record<string, unknown>, ...operations: unknown[]) =>
  applyPatch(document, parsePatch(operations, { escapes: true }));

describe('JSON patch', () => {
  it('adds, replaces and removes members and elements', () => {
    const document = { extra: { list: [1, 2], gone: true, kept: 'x' } };
    const result = patched(
      document,
      { op: 'add', path: '/extra/list/0', value: 0 },
      { op: 'add', path: '/extra/list/-', value: 3 },
      { op: 'replace', path: '/extra/list/1', value: 'one' },
      { op: 'remove', path: '/extra/gone' },
      { op: 'add', path: '/extra/new', value: { deep: [] } },
      { op: 'add', path: '/extra/new/deep/0', value: null },
    );
    assert.deepEqual(result, { extra: { list: [0, 'one', 2, 3], kept: 'x', new: { deep: [null] } } });
    assert.deepEqual(document, { extra: { list: [1, 2], gone: true, kept: 'x' } }, 'the original stays');
  });

  it('cannot nest a field deeper than a body may, over and over', () => {
    const path = (parts: number) => `/extra${'/a'.repeat(parts - 1)}`;
    const remove = (parts: number) => [{ op: 'remove', path: path(parts) }];
    assert.equal(parsePatch(remove(64), { escapes: true })[0]?.path.length, 64);
    assert.throws(() => parsePatch(remove(65), { escapes: true }), Invalid);
    assert.throws(() => parsePatch(remove(400_000), { escapes: false }), Invalid);
  });

  it('add on a member that is there replaces it; a member of the document itself is removed to null', () => {
    assert.deepEqual(patched({ a: { b: 1 } }, { op: 'add', path: '/a/b', value: 2 }), { a: { b: 2 } });
    assert.deepEqual(patched({ name: null }, { op: 'remove', path: '/name' }), { name: null });
  });

  it('cannot remove or replace what is not there, nor reach through it', () => {
    for (const operation of [
      { op: 'remove', path: '/a/none' },
      { op: 'replace', path: '/a/none', value: 1 },
      { op: 'add', path: '/a/x/y', value: 1 },
      { op: 'add', path: '/a/list/7', value: 1 },
      { op: 'remove', path: '/a/list/01' },
      { op: 'add', path: '/a/text/x', value: 1 },
      { op: 'add', path: '/a/b' },
    ])
      assert.throws(() => patched({ a: { list: [1], text: 'x' } }, operation), PatchError);
  });

  it('never says a value, which may be a secret', () => {
    const operation = { op: 'replace', path: '/a/none', value: 'hunter2' };
    assert.throws(
      () => patched({ a: {} }, operation),
      (error: Error) => !error.message.includes('hunter2'),
    );
  });

  it('reads ~0 and ~1 only where the version has them', () => {
    assert.deepEqual(patched({ a: {} }, { op: 'add', path: '/a/x~1y~0', value: 1 }), { a: { 'x/y~': 1 } });
    assert.throws(() => parsePatch([{ op: 'add', path: '/a/x~1y', value: 1 }], { escapes: false }), Invalid);
  });

  it('leaves prototypes alone', () => {
    const result = patched({ a: {} }, { op: 'add', path: '/a/__proto__', value: { polluted: true } });
    assert.equal(Reflect.get({}, 'polluted'), undefined);
    assert.equal(JSON.stringify(result), '{"a":{"__proto__":{"polluted":true}}}');
    assert.throws(() => patched({ a: {} }, { op: 'add', path: '/a/constructor/x', value: 1 }), PatchError);
  });

  it('answers anything at all with a document or a fault of 4xx', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', '0', '-', '1', '__proto__', 'length'))
      .map((parts) => `/${parts.join('/')}`);
    const operation = fc.record(
      { op: fc.constantFrom('add', 'replace', 'remove', 'test'), path, value: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(operation), (value, operations) => {
        try {
          patched({ a: value, b: [value] }, ...operations);
        } catch (error) {
          assert.ok(error instanceof Fault && error.status === 400, String(error));
        }
      }),
    );
  });
});
