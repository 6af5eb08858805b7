// How an image's checksum is asked for: an algorithm and a digest, a digest alone, or the URL of a list of digests.

export interface Checksum {
  /** As node:crypto names it. */
  algorithm: string;
  /** Hexadecimal, lower case. */
  digest: string;
}

/** A checksum that is missing, unclear or not allowed. The message says which. */
export class InvalidChecksum extends Error {}

/** By one name each: the crypto library knows MD5 by others too, and checksums that are none. */
const algorithms: readonly string[] = [
  'md5',
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'sha3-224',
  'sha3-256',
  'sha3-384',
  'sha3-512',
  'blake2b512',
  'blake2s256',
];

const algorithmByLength: Record<number, string> = { 32: 'md5', 64: 'sha256', 128: 'sha512' };

/**
 * A checksum of a digest and, unless its length tells, an algorithm.
 * @throws InvalidChecksum also for md5 unless it is allowed: images that collide can be made at will.
 */
export function parseChecksum(
  digest: string,
  algorithm: string | null,
  { allowMd5 = false }: { allowMd5?: boolean } = {},
): Checksum {
  const value = digest.trim().toLowerCase();
  const name = algorithm?.toLowerCase() ?? algorithmByLength[value.length];
  if (!/^([0-9a-f]{2})+$/.test(value) || name === undefined)
    throw new InvalidChecksum(`"${value.slice(0, 130)}" is not a checksum that Ingot knows`);
  if (name === 'md5' && !allowMd5)
    throw new InvalidChecksum(
      'MD5 checksums are refused; give a sha256 or sha512, or allow them in the configuration',
    );
  if (!algorithms.includes(name)) throw new InvalidChecksum(`The checksum algorithm "${name}" is not known`);
  const length = Object.entries(algorithmByLength).find(([, known]) => known === name)?.[0];
  if (length !== undefined && value.length !== Number(length))
    throw new InvalidChecksum(`A ${name} checksum has ${length} digits, not ${value.length}`);
  return { algorithm: name, digest: value };
}

/** Whether an image's `checksum` is the place of a list of digests rather than a digest. */
export function isChecksumUrl(checksum: string): boolean {
  return /^https?:\/\//i.test(checksum);
}

/**
 * The digest of `fileName` in a published list: one digest alone, lines of "digest  file" or "digest *file" as
 * sha256sum writes them, or "ALGORITHM (file) = digest" as BSD's tools do.
 * @throws InvalidChecksum when the list does not name the file.
 */
export function findInChecksumList(
  list: string,
  fileName: string,
): { digest: string; algorithm: string | null } {
  const lines = list
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('-----'));
  const alone = lines.length === 1 && /^[0-9a-f]+$/i.exec(lines[0] ?? '');
  if (alone) return { digest: alone[0], algorithm: null };
  for (const line of lines) {
    const bsd = /^(\S+) \((.+)\) = ([0-9a-f]+)$/i.exec(line);
    if (bsd?.[1] && bsd[2] === fileName && bsd[3])
      return { digest: bsd[3], algorithm: bsd[1].toLowerCase().replace('-', '') };
    const gnu = /^([0-9a-f]+)\s+\*?(?:\.\/)?(.+)$/i.exec(line);
    if (gnu?.[1] && gnu[2] === fileName) return { digest: gnu[1], algorithm: null };
  }
  throw new InvalidChecksum(`The checksum list does not name ${fileName}`);
}
