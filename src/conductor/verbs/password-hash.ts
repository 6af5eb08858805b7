import { createHash, randomBytes } from 'node:crypto';

export type PasswordHashAlgorithm = 'sha256' | 'sha512';

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** In which order the digest's bytes are written, three at a time (Drepper, "Unix crypt using SHA-256/SHA-512"). */
const order: Readonly<Record<PasswordHashAlgorithm, readonly (readonly [number, number, number])[]>> = {
  sha256: Array.from({ length: 10 }, (_, row) => rotated(row, 2, [0, 10, 20])),
  sha512: Array.from({ length: 21 }, (_, row) => rotated(row, 1, [0, 21, 42])),
};

/** Row `row` of the table: the three columns, each going up by one, turned by `turn` places with every row. */
function rotated(
  row: number,
  turn: number,
  columns: readonly [number, number, number],
): readonly [number, number, number] {
  const at = (place: number): number => (columns[(place + row * turn) % 3] ?? 0) + row;
  return [at(0), at(1), at(2)];
}

/**
 * A password as `/etc/shadow` keeps it: `$5$SALT$HASH` or `$6$SALT$HASH`, 5,000 rounds.
 * Source: Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6.
 */
export function hashPassword(
  password: string,
  algorithm: PasswordHashAlgorithm,
  salt: string = randomSalt(),
): string {
  const key = Buffer.from(password);
  const seasoning = Buffer.from(salt.slice(0, 16));
  const digest = (...parts: Uint8Array[]): Buffer =>
    createHash(algorithm).update(Buffer.concat(parts)).digest();
  const alternate = digest(key, seasoning, key);
  const first: Uint8Array[] = [key, seasoning, repeated(alternate, key.length)];
  for (let bits = key.length; bits > 0; bits >>= 1) first.push(bits & 1 ? alternate : key);
  let result = digest(...first);
  const p = repeated(digest(...Array.from({ length: key.length }, () => key)), key.length);
  const s = repeated(
    digest(...Array.from({ length: 16 + (result[0] ?? 0) }, () => seasoning)),
    seasoning.length,
  );
  for (let round = 0; round < 5000; round += 1) {
    result = digest(
      round & 1 ? p : result,
      round % 3 ? s : empty,
      round % 7 ? p : empty,
      round & 1 ? result : p,
    );
  }
  const prefix = algorithm === 'sha256' ? '$5$' : '$6$';
  return `${prefix}${seasoning.toString()}$${encoded(result, algorithm)}`;
}

const empty = new Uint8Array();

function repeated(bytes: Uint8Array, length: number): Buffer {
  return Buffer.alloc(length, bytes.length > 0 ? bytes : 0);
}

function encoded(digest: Buffer, algorithm: PasswordHashAlgorithm): string {
  const byte = (index: number): number => digest[index] ?? 0;
  const groups = order[algorithm].map(([a, b, c]) => base64(byte(a), byte(b), byte(c), 4));
  const last = algorithm === 'sha256' ? base64(0, byte(31), byte(30), 3) : base64(0, 0, byte(63), 2);
  return groups.join('') + last;
}

function base64(high: number, middle: number, low: number, characters: number): string {
  let bits = (high << 16) | (middle << 8) | low;
  let text = '';
  for (let written = 0; written < characters; written += 1) {
    text += alphabet[bits & 63] ?? '';
    bits >>= 6;
  }
  return text;
}

function randomSalt(): string {
  return Array.from(randomBytes(16), (byte) => alphabet[byte & 63]).join('');
}
