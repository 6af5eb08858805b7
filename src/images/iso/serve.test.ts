import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { mkdtempDisposable, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeIso } from './compose.ts';
import { collectIso, type IsoImage } from './image.ts';
import { serveIso, type Served, type ServeOptions } from './serve.ts';
import { fileSource } from './source.ts';

const modifiedAt = new Date('2026-01-02T03:04:05Z');
const small = composeIso({
  volumeLabel: 'ingot',
  files: [{ path: 'f', source: { kind: 'bytes', bytes: Buffer.from('some bytes') } }],
  modifiedAt,
});

interface IsoServer extends AsyncDisposable {
  port: number;
  /** How each answer ended, in order. */
  served(): Promise<Served>;
}

async function serving(image: IsoImage, options?: ServeOptions): Promise<IsoServer> {
  const outcomes: Promise<Served>[] = [];
  const server: Server = createServer((req, res) => {
    const outcome = serveIso(image, req, res, options);
    outcome.catch(() => undefined);
    outcomes.push(outcome);
    server.emit('outcome');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // A listening TCP server has an address of this kind.
    port: (server.address() as AddressInfo).port,
    async served() {
      if (outcomes.length === 0) await once(server, 'outcome');
      const [outcome] = outcomes.splice(0, 1);
      assert.ok(outcome !== undefined);
      return outcome;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function ask(
  { port }: IsoServer,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
  const outgoing = request({ host: '127.0.0.1', port, headers, method, agent: false }).end();
  const [response] = await once(outgoing, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

test('GET gives the whole, HEAD its length, other methods are refused', async () => {
  await using server = await serving(small);
  const whole = await ask(server);
  assert.equal(whole.status, 200);
  assert.equal(whole.headers['accept-ranges'], 'bytes');
  assert.equal(whole.headers.etag, small.etag);
  assert.ok(whole.body.equals(await collectIso(small)));
  assert.deepEqual(await server.served(), { status: 200, bytes: small.size, complete: true });
  const head = await ask(server, { range: 'bytes=0-1' }, 'HEAD');
  assert.deepEqual(
    [head.status, head.headers['content-length'], head.body.length],
    [200, `${small.size}`, 0],
  );
  const post = await ask(server, {}, 'POST');
  assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
});

test('one range is answered with its bytes, one outside with 416, several or a broken one with the whole', async () => {
  await using server = await serving(small);
  const whole = await collectIso(small);
  const { size } = small;
  const ranges: [header: string, start: number, end: number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=32768-34815', 32768, 34816],
    ['bytes=100-', 100, size],
    ['bytes=-5', size - 5, size],
    [`bytes=-${size * 2}`, 0, size],
    [`bytes=5-${size * 2}`, 5, size],
    ['Bytes = 1 - 2', 1, 3],
  ];
  for (const [range, start, end] of ranges) {
    const answer = await ask(server, { range });
    assert.equal(answer.status, 206, range);
    assert.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/${size}`);
    assert.ok(answer.body.equals(whole.subarray(start, end)), range);
  }
  for (const range of [`bytes=${size}-`, `bytes=${'9'.repeat(30)}-`, 'bytes=-0']) {
    const answer = await ask(server, { range });
    assert.deepEqual([answer.status, answer.headers['content-range']], [416, `bytes */${size}`], range);
  }
  for (const range of ['bytes=', 'bytes=-', 'bytes=5-4', 'bytes=0-1,3-4', 'sectors=0-1', 'bytes=a-b']) {
    const answer = await ask(server, { range });
    assert.deepEqual([answer.status, answer.body.length], [200, size], range);
  }
});

test('tags decide between the whole, the range and nothing', async () => {
  await using server = await serving(small);
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await ask(server, headers)).status;
  const { etag } = small;
  const range = 'bytes=0-1';
  assert.equal(await status({ range, 'if-range': etag }), 206);
  assert.equal(await status({ range, 'if-range': '"other"' }), 200);
  assert.equal(await status({ range, 'if-range': `W/${etag}` }), 200);
  assert.equal(await status({ range, 'if-range': 'Fri, 02 Jan 2026 03:04:05 GMT' }), 200);
  assert.equal(await status({ 'if-none-match': `"other", W/${etag}` }), 304);
  assert.equal(await status({ 'if-none-match': '*' }), 304);
  assert.equal(await status({ 'if-none-match': '"other"' }), 200);
  assert.equal(await status({ 'if-match': '"other"' }), 412);
  assert.equal(await status({ 'if-match': etag }), 200);
});

/** An image of 64 MiB that says when its reading has ended, and so its base file is closed. */
async function aLargeImage(folder: string): Promise<IsoImage & { ended: Promise<void> }> {
  const base = join(folder, 'base');
  await writeFile(base, '');
  await truncate(base, 64 * 1024 * 1024);
  const image = composeIso({
    volumeLabel: 'large',
    files: [{ path: 'f', source: await fileSource(base) }],
    modifiedAt,
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  return {
    ...image,
    ended,
    async *read(start, end) {
      try {
        yield* image.read(start, end);
      } finally {
        resolve();
      }
    },
  };
}

test('a client that leaves midway ends the reading, and so does one that takes nothing any more', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'iso-'));
  for (const leaves of [true, false]) {
    const image = await aLargeImage(folder.path);
    await using server = await serving(image, { stallSeconds: leaves ? 60 : 0.05 });
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'readable');
    if (leaves) socket.destroy();
    const { complete } = await server.served();
    await image.ended;
    assert.equal(complete, false);
    socket.destroy();
  }
});

test('an image whose base file is gone cuts the connection and tells the caller why', async () => {
  await using server = await serving(
    composeIso({
      volumeLabel: 'gone',
      files: [{ path: 'f', source: { kind: 'file', path: '/nonexistent/base', size: 10_000_000 } }],
      modifiedAt,
    }),
  );
  await assert.rejects(ask(server), { code: 'ECONNRESET' });
  await assert.rejects(server.served(), { name: 'IsoSourceChanged' });
});
