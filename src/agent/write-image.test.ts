import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { systemClock } from '#model/clock.ts';
import type { CommandProgress, ImageInfo } from '#protocol/agent-commands.ts';
import { createLog } from './log.ts';
import { machineHardware } from './machine-hardware.ts';
import { aGptImage, sha256 } from './testing/disk-images.ts';
import { serveImage } from './testing/image-server.ts';
import type { ImageServerFaults } from './testing/image-server.ts';
import { aMachine } from './testing/machine.ts';
import { writeImage } from './write-image.ts';

const mebibyte = 1024 ** 2;

interface Case {
  image?: Buffer;
  /** What is served; the image itself by default. */
  published?: Buffer;
  faults?: ImageServerFaults;
  info?: Partial<ImageInfo>;
  diskSize?: number;
  allowMd5?: boolean;
  timeoutSeconds?: number;
  retries?: number;
}

/** Writes an image over real HTTP to a disk and gives what can be seen afterwards. */
async function writeTo({ image = aGptImage(), published = image, ...options }: Case) {
  const { faults = {}, info = {}, diskSize = 8 * mebibyte, allowMd5 = false } = options;
  await using server = await serveImage(published, faults);
  await using machine = await aMachine([diskSize]);
  const [disk] = await machineHardware(machine.machine, () => {}).disks();
  assert(disk);
  const lines: string[] = [];
  const progress: CommandProgress[] = [];
  let error: Error | null = null;
  {
    await using open = await disk.open('write');
    await writeImage(
      open,
      {
        id: 'disk.img',
        urls: [server.url],
        os_hash_algo: 'sha256',
        os_hash_value: sha256(published),
        ...info,
      },
      {
        download: {
          timeoutSeconds: options.timeoutSeconds ?? 10,
          retries: options.retries ?? 3,
          retryIntervalSeconds: 0,
          insecure: false,
          clock: systemClock,
          log: createLog((line) => lines.push(line)),
          signal: new AbortController().signal,
        },
        allowMd5,
        report: (item) => progress.push(item),
      },
    ).catch((cause: unknown) => {
      assert(cause instanceof Error);
      error = cause;
    });
  }
  const content = await readFile(machine.diskFiles[0] ?? '');
  return {
    image,
    content,
    progress,
    requests: server.requests,
    log: lines.join('\n'),
    error: error as Error | null,
  };
}

function assertWritten({ image, content, error }: Awaited<ReturnType<typeof writeTo>>) {
  assert.equal(error, null);
  assert(content.subarray(0, image.length).equals(image), 'the disk holds the image');
  assert(
    content.subarray(image.length).every((byte) => byte === 0),
    'nothing is written behind it',
  );
}

async function assertRefused(options: Case, message: RegExp) {
  const result = await writeTo(options);
  assert.match(result.error?.message ?? 'no error', message);
  assert.doesNotMatch(`${result.error?.message}${result.log}`, /signature|secret/);
  return result;
}

test('a plain image is written byte for byte and read back', async () => {
  const result = await writeTo({});
  assertWritten(result);
  assert.deepEqual(result.progress.at(-1), {
    phase: 'verify',
    bytes_done: 4 * mebibyte,
    bytes_total: 4 * mebibyte,
    percent: 100,
    device: '/dev/sda',
  });
});

test('an image that is no multiple of the chunk size is written whole', async () => {
  assertWritten(await writeTo({ image: aGptImage().subarray(0, 3 * mebibyte + 777) }));
});

test('compressed images are recognised by their bytes, and their checksum is of the compressed file', async (t) => {
  const image = aGptImage();
  await t.test('gzip', async () => assertWritten(await writeTo({ image, published: gzipSync(image) })));
  await t.test('zstd', async () =>
    assertWritten(await writeTo({ image, published: zstdCompressSync(image) })),
  );
  await t.test('zstd in several frames', async () => {
    const frames = [image.subarray(0, mebibyte), image.subarray(mebibyte)].map((part) =>
      zstdCompressSync(part),
    );
    assertWritten(await writeTo({ image, published: Buffer.concat(frames) }));
  });
});

test('the checksum may be a digest alone, sha512, or the URL of a list', async (t) => {
  const image = aGptImage();
  const sha512 = createHash('sha512').update(image).digest('hex');
  const none = { os_hash_algo: null, os_hash_value: null };
  await t.test('alone', async () =>
    assertWritten(await writeTo({ image, info: { ...none, checksum: sha512.toUpperCase() } })),
  );
  await t.test('sha512', async () =>
    assertWritten(await writeTo({ image, info: { os_hash_algo: 'sha512', os_hash_value: sha512 } })),
  );
  await t.test('a list', async () => {
    await using list = await serveImage(
      Buffer.from(`${'0'.repeat(64)}  other.img\n${sha256(image)} *disk.img\n`),
    );
    assertWritten(await writeTo({ image, info: { ...none, checksum: list.url } }));
  });
});

test('a wrong checksum fails the image, and the disk does not start from it', async () => {
  const { content } = await assertRefused(
    { info: { os_hash_value: '0'.repeat(64) } },
    /^Image disk\.img failed its sha256 check: expected 0{64}, the image has [0-9a-f]{64}$/,
  );
  assert(content.subarray(0, mebibyte).every((byte) => byte === 0));
});

test('md5 is refused unless it is allowed', async () => {
  const image = aGptImage();
  const info = { os_hash_algo: 'md5', os_hash_value: createHash('md5').update(image).digest('hex') };
  const { requests } = await assertRefused({ image, info }, /MD5 checksums are refused/);
  assert.equal(requests.length, 0, 'nothing was downloaded');
  assertWritten(await writeTo({ image, info, allowMd5: true }));
});

test('an image without a checksum is refused', async () => {
  await assertRefused(
    { info: { os_hash_value: null } },
    /checksum of image disk\.img cannot be used: none was given/,
  );
});

test('a download that breaks is taken up where it broke', async () => {
  const result = await writeTo({ faults: { drops: 2, dropAfterBytes: mebibyte } });
  assertWritten(result);
  assert.equal(result.requests.length, 3);
  assert.match(result.requests[1]?.range ?? '', /^bytes=[1-9]\d*-$/);
});

test('a server without ranges is read past what is known', async () => {
  const result = await writeTo({ faults: { drops: 1, dropAfterBytes: mebibyte, ranges: false } });
  assertWritten(result);
  assert.equal(result.requests.length, 2);
});

test('a compressed download that breaks is taken up as well', async () => {
  const image = aGptImage();
  assertWritten(
    await writeTo({ image, published: gzipSync(image), faults: { drops: 2, dropAfterBytes: mebibyte } }),
  );
});

test('a stalled download is broken off and taken up again', async () => {
  assertWritten(await writeTo({ faults: { stalls: 1, stallAfterBytes: mebibyte }, timeoutSeconds: 0.2 }));
});

test('a server that fails for a moment is asked again', async () => {
  assertWritten(await writeTo({ faults: { statuses: [503, 500] } }));
});

test('a download that always breaks fails, naming the URL and the byte', async () => {
  const { requests, content } = await assertRefused(
    { faults: { drops: 99, dropAfterBytes: 300_000 }, retries: 2 },
    /^Could not download http:\/\/127\.0\.0\.1:\d+\/images\/disk\.img: at byte [1-9]\d* of 4194304: .* \(attempt 3, the last\)$/,
  );
  assert.equal(requests.length, 3);
  assert(content.subarray(0, mebibyte).every((byte) => byte === 0));
});

test('an image that is not there fails at once', async () => {
  const { requests } = await assertRefused({ faults: { statuses: [404] } }, /the server answers 404$/);
  assert.equal(requests.length, 1);
});

test('an image that is replaced during its download fails', async () => {
  await assertRefused(
    { faults: { drops: 1, dropAfterBytes: mebibyte, changing: true } },
    /changed while it was being downloaded/,
  );
});

test('a plain image that is larger than the disk is refused before a byte is written', async () => {
  const { progress } = await assertRefused(
    { diskSize: 2 * mebibyte },
    /^The disk is too small: image disk\.img needs 4194304 bytes, \/dev\/sda has 2097152 bytes$/,
  );
  assert.equal(progress.length, 0);
});

test('a compressed image that turns out larger than the disk is refused', async () => {
  const image = aGptImage();
  await assertRefused(
    { image, published: gzipSync(image), diskSize: 2 * mebibyte },
    /^The disk is too small: image disk\.img needs more than 2097152 bytes, \/dev\/sda has 2097152 bytes$/,
  );
});

test('images of other formats are refused by name, declared or not', async () => {
  await assertRefused({ info: { disk_format: 'qcow2' } }, /declared qcow2/);
  const disguised = Buffer.concat([Buffer.from('QFI\u00fb', 'latin1'), aGptImage()]);
  await assertRefused({ image: disguised }, /is qcow2/);
  await assertRefused({ image: disguised, published: gzipSync(disguised) }, /is qcow2/);
  await assertRefused({ info: { image_type: 'partition' } }, /declared a partition image/);
});

test('a compressed image that is cut short is refused', async () => {
  const image = aGptImage();
  await assertRefused({ image, published: gzipSync(image).subarray(0, -100) }, /cannot be decompressed/);
});

test('only http and https are fetched', async () => {
  await assertRefused({ info: { urls: ['file:///etc/passwd'] } }, /not an http or https URL/);
});

test('credentials for the image server are sent to it', async () => {
  const info = {
    image_server_auth_strategy: 'http_basic',
    image_server_user: 'me',
    image_server_password: 'pass',
  };
  const { requests } = await writeTo({ info });
  assert.equal(requests[0]?.authorization, `Basic ${Buffer.from('me:pass').toString('base64')}`);
});

test('the next URL is tried when one cannot be had', async () => {
  const image = aGptImage();
  await using good = await serveImage(image);
  await using bad = await serveImage(image, { statuses: [404] });
  assertWritten(await writeTo({ image, info: { urls: [bad.url, good.url] } }));
});

test('an image may come through a proxy', async () => {
  const image = aGptImage();
  await using proxy = await serveImage(image);
  const info = { urls: ['http://images.invalid/disk.img'], proxies: { http: new URL(proxy.url).origin } };
  assertWritten(await writeTo({ image, info }));
});
