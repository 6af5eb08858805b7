import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startApi } from './testing/api-under-test.ts';

const request = 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';

/** The answer to the request, as text. */
async function ask(socket: Socket): Promise<string> {
  socket.write(request);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

test('a client that is connected when the API ends has one more answer, which says so; nobody else comes in', async () => {
  const api = await startApi();
  const { port, hostname } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  assert.match(await ask(socket), /^HTTP\/1\.1 200 /);
  const ended = once(socket, 'end');
  const closed = api[Symbol.asyncDispose]();
  const last = await ask(socket);
  assert.match(last, /^HTTP\/1\.1 200 /);
  assert.match(last, /^connection: close\r$/im);
  await ended;
  const late = connect(Number(port), hostname);
  await assert.rejects(once(late, 'connect'), { code: 'ECONNREFUSED' });
  socket.destroy();
  await closed;
});
