// A tar archive of a few texts, as log collectors take it (POSIX.1 ustar).
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const zip = promisify(gzip);
const blockSize = 512;

/** The files as a gzipped tar. */
export async function gzippedTar(
  files: { name: string; content: string }[],
  seconds: number,
): Promise<Buffer> {
  const blocks = files.flatMap(({ name, content }) => {
    const bytes = Buffer.from(content);
    return [
      header(name, bytes.length, seconds),
      bytes,
      Buffer.alloc((blockSize - (bytes.length % blockSize)) % blockSize),
    ];
  });
  return zip(Buffer.concat([...blocks, Buffer.alloc(2 * blockSize)]));
}

function header(name: string, size: number, seconds: number): Buffer {
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, length: number) =>
    Math.floor(value)
      .toString(8)
      .padStart(length - 1, '0');
  block.write(name, 0, 99);
  block.write(octal(0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(seconds, 12), 136);
  block.write('        ', 148); // the checksum counts its own field as blanks
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    )}\0 `,
    148,
  );
  return block;
}
