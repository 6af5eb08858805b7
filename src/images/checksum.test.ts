import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findInChecksumList, parseChecksum } from './checksum.ts';

const md5 = 'a'.repeat(32);
const sha256 = 'b'.repeat(64);
const sha512 = 'c'.repeat(128);

test('the algorithm of a digest alone is told by its length', () => {
  assert.deepEqual(parseChecksum(sha256, null), { algorithm: 'sha256', digest: sha256 });
  assert.deepEqual(parseChecksum(` ${sha512.toUpperCase()} `, null), { algorithm: 'sha512', digest: sha512 });
  assert.deepEqual(parseChecksum('d'.repeat(96), 'SHA384'), { algorithm: 'sha384', digest: 'd'.repeat(96) });
});

test('a checksum that is unclear, unknown, of the wrong length or md5 is refused', () => {
  assert.throws(() => parseChecksum('abcd', null), /not a checksum that Ingot knows/);
  assert.throws(() => parseChecksum('zz'.repeat(32), 'sha256'), /not a checksum that Ingot knows/);
  assert.throws(() => parseChecksum(sha256, 'sha999'), /"sha999" is not known/);
  assert.throws(() => parseChecksum(sha256, 'sha512'), /has 128 digits, not 64/);
  assert.throws(() => parseChecksum(md5, null), /MD5 checksums are refused/);
  assert.equal(parseChecksum(md5, null, { allowMd5: true }).algorithm, 'md5');
  for (const alias of ['ssl3-md5', 'md5-sha1', 'RSA-MD5', 'shake128', 'constructor'])
    assert.throws(() => parseChecksum(md5, alias), /is not known/);
});

const lists: [form: string, list: string, algorithm: string | null][] = [
  ['a digest alone', `${sha256}\n`, null],
  ['sha256sum', `${sha512}  a.img\n${sha256}  disk.img\n`, null],
  ['sha256sum of binaries', `${sha256} *disk.img`, null],
  ['paths from here', `${sha256}  ./disk.img\n`, null],
  ['BSD', `SHA512 (a.img) = ${sha512}\nSHA256 (disk.img) = ${sha256}\n`, 'sha256'],
  ['comments', `# disk.img: 1 byte\nSHA256 (disk.img) = ${sha256}\r\n`, 'sha256'],
];
for (const [form, list, algorithm] of lists)
  test(`a digest is found in a list: ${form}`, () => {
    assert.deepEqual(findInChecksumList(list, 'disk.img'), { digest: sha256, algorithm });
  });

test('a list without the file is refused', () => {
  assert.throws(
    () => findInChecksumList(`${sha256}  a.img\n${sha256}  b.img\n`, 'disk.img'),
    /does not name disk\.img/,
  );
});
