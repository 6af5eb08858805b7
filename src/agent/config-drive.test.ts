import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { configDriveSize, readConfigDrive, writeConfigDrive } from './config-drive.ts';
import { machineHardware } from './machine-hardware.ts';
import { anIso } from './testing/disk-images.ts';
import { serveImage } from './testing/image-server.ts';
import { aMachine } from './testing/machine.ts';

const settings = { timeoutSeconds: 10 };
const base64 = (bytes: Buffer) => bytes.toString('base64');

test('a config drive comes as gzip in base64, with line ends or without, or as the image in base64', async () => {
  const iso = anIso();
  const wrapped = base64(gzipSync(iso)).replace(/.{76}/g, '$&\n');
  for (const given of [base64(gzipSync(iso)), wrapped, base64(iso)])
    assert((await readConfigDrive(given, settings)).equals(iso));
});

test('a config drive comes from a URL, as such a text or as the image itself', async () => {
  const iso = anIso();
  for (const published of [Buffer.from(base64(gzipSync(iso))), iso, gzipSync(iso)]) {
    await using server = await serveImage(published);
    assert((await readConfigDrive(server.url, settings)).equals(iso));
  }
});

test('what is no config drive is refused without showing any of it', async () => {
  await using missing = await serveImage(Buffer.alloc(0), { statuses: [404] });
  const cases: [given: string, message: RegExp][] = [
    ['not base64: secret!', /is not base64 text/],
    // Shared between two patterns, the blanks would take an hour.
    [`QUJD${' '.repeat(2 ** 20)}!`, /is not base64 text/],
    [base64(Buffer.from('a secret text')), /neither gzip nor an ISO 9660 or FAT image/],
    [base64(gzipSync(anIso()).subarray(0, -40)), /cannot be decompressed/],
    [base64(gzipSync(Buffer.alloc(configDriveSize + 1))), /more than 67108864 bytes/],
    [missing.url, /^The config drive at http:\/\/127\.0\.0\.1:\d+\/images\/disk\.img answers 404$/],
    ['http://127.0.0.1:1/?secret', /could not be fetched from http:\/\/127\.0\.0\.1:1\/$/],
  ];
  for (const [given, message] of cases)
    await assert.rejects(readConfigDrive(given, settings), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
});

test('a config drive larger than its partition is refused', async () => {
  await using machine = await aMachine([2 * 1024 ** 2]);
  const [disk] = await machineHardware(machine.machine, () => {}).disks();
  assert(disk);
  await using open = await disk.open('write');
  await assert.rejects(
    writeConfigDrive(open, { offset: 0, size: 1024 }, anIso()),
    /has 409600 bytes, its partition on \/dev\/sda has 1024/,
  );
});
