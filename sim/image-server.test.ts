import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startImageServer, type ImageServer } from './image-server.ts';

const size = 1024 * 1024;
const bytes = Buffer.from(Array.from({ length: size }, (_, index) => index % 251));

describe('the image server', () => {
  let server: ImageServer;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sim-images-'));
    await writeFile(join(folder, 'image.raw'), bytes);
    server = await startImageServer({ folder });
  });
  beforeEach(() => server.clearFault('/image.raw'));
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const get = (headers: Record<string, string> = {}, path = 'image.raw', method = 'GET') =>
    fetch(`${server.url}${path}`, { method, headers: { connection: 'close', ...headers } });

  it('serves the whole file, its size and its tag', async () => {
    const response = await get();
    assert.equal(response.headers.get('content-length'), String(size));
    const etag = response.headers.get('etag') ?? '';
    assert.ok(bytes.equals(Buffer.from(await response.arrayBuffer())));
    assert.equal((await get({ 'if-none-match': etag })).status, 304);
    const head = await get({}, 'image.raw', 'HEAD');
    assert.deepEqual([head.headers.get('content-length'), await head.text()], [String(size), '']);
  });

  it('serves ranges', async () => {
    const cases: [range: string, start: number, end: number][] = [
      ['bytes=10-19', 10, 20],
      [`bytes=${size - 5}-`, size - 5, size],
      ['bytes=-7', size - 7, size],
      [`bytes=100-${size * 2}`, 100, size],
    ];
    for (const [range, start, end] of cases) {
      const response = await get({ range });
      assert.equal(response.status, 206);
      assert.equal(response.headers.get('content-range'), `bytes ${start}-${end - 1}/${size}`);
      assert.ok(bytes.subarray(start, end).equals(Buffer.from(await response.arrayBuffer())));
    }
    assert.equal((await get({ range: `bytes=${size}-` })).status, 416);
    const changed = await get({ range: 'bytes=0-1', 'if-range': '"other"' });
    assert.equal(changed.status, 200);
    await changed.arrayBuffer();
  });

  it('serves nothing outside its folder', async () => {
    assert.equal((await get({}, '../../etc/passwd')).status, 404);
    assert.equal((await get({}, '%2e%2e%2f%2e%2e%2fetc%2fpasswd')).status, 404);
    assert.equal((await get({}, 'nothing')).status, 404);
  });

  it('drops after so many bytes, so many times', async () => {
    server.setFault('/image.raw', { kind: 'drop', after_bytes: 300_000, count: 1 });
    const response = await get();
    let received = 0;
    await assert.rejects(async () => {
      for await (const piece of response.body ?? []) received += piece.length;
    });
    assert.equal(received, 300_000);
    assert.equal((await (await get()).arrayBuffer()).byteLength, size);
    assert.deepEqual(
      server.requests.slice(-2).map(({ bytesSent, outcome }) => [bytesSent, outcome]),
      [
        [300_000, 'cut short'],
        [size, 'whole'],
      ],
    );
  });

  it('stalls after so many bytes and keeps the connection', async () => {
    server.setFault('/image.raw', { kind: 'stall', after_bytes: 70_000 });
    const client = new AbortController();
    const response = await fetch(`${server.url}image.raw`, { signal: client.signal });
    let received = 0;
    await assert.rejects(
      async () => {
        for await (const piece of response.body ?? []) {
          received += piece.length;
          if (received === 70_000) client.abort();
        }
      },
      { name: 'AbortError' },
    );
    assert.equal(received, 70_000);
  });

  it('crawls', async () => {
    server.setFault('/image.raw', { kind: 'slow', bytes_per_second: 20 * size });
    const started = performance.now();
    assert.equal((await (await get()).arrayBuffer()).byteLength, size);
    assert.ok(performance.now() - started >= 40);
  });

  it('answers with the status asked for', async () => {
    server.setFault('/image.raw', { kind: 'status', status: 500, count: 1 });
    assert.equal((await get()).status, 500);
    assert.equal((await get({}, 'image.raw', 'HEAD')).status, 200);
  });
});
