import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import {
  BmcAuthFailed,
  BmcBusy,
  BmcCircuitOpen,
  BmcClientClosed,
  BmcError,
  BmcProtocolError,
  BmcTimeout,
  BmcUnreachable,
} from '../errors.ts';
import { aBmc, aClient, aClock, anError, never, secret, type Asked } from './testing/scripted-bmc.ts';

const sessions = 'POST /redfish/v1/SessionService/Sessions';
const thing = { '/thing': { Name: 'thing' } };

function count(log: string[], key: string): number {
  return log.filter((entry) => entry === key).length;
}

test('one session serves many requests and is ended on close', async () => {
  await using bmc = await aBmc(thing);
  {
    await using client = aClient(bmc);
    await Promise.all([1, 2, 3, 4].map(() => client.get('/thing', never)));
    assert.equal((await client.get('/thing', never)).body.Name, 'thing');
  }
  assert.equal(count(bmc.log, sessions), 1);
  assert.deepEqual(bmc.asked.find(({ method }) => method === 'POST')?.body, {
    UserName: secret.username,
    Password: secret.password,
  });
  const things = bmc.asked.filter(({ path }) => path === '/thing');
  assert.ok(
    things.every(
      ({ headers }) => headers['x-auth-token'] === secret.token && headers.authorization === undefined,
    ),
  );
  assert.equal(bmc.log.at(-1), 'DELETE /redfish/v1/SessionService/Sessions/1');
});

test('nothing is sent for whoever may ask no longer by then, though it told nobody', async () => {
  await using bmc = await aBmc(thing);
  await using client = aClient(bmc);
  const asker = new AbortController();
  // As a lease: it looks when it is asked, and lapses here while the client signs in.
  Object.defineProperty(asker.signal, 'throwIfAborted', {
    value() {
      if (count(bmc.log, sessions) > 0) throw new Error('lapsed');
    },
  });
  await assert.rejects(client.post('/thing', {}, asker.signal), /lapsed/);
  assert.deepEqual(
    bmc.log.filter((entry) => entry.endsWith('/thing')),
    [],
  );
});

test('a service without sessions gets basic authentication, and is not asked for a session again', async () => {
  await using bmc = await aBmc(thing, { sessions: false });
  await using client = aClient(bmc);
  await client.get('/thing', never);
  await client.get('/thing', never);
  assert.equal(count(bmc.log, sessions), 1);
  const expected = `Basic ${Buffer.from(`${secret.username}:${secret.password}`).toString('base64')}`;
  assert.equal(bmc.asked.at(-1)?.headers.authorization, expected);
  await using strict = aClient(bmc, { authType: 'session' });
  await assert.rejects(strict.get('/thing', never), BmcProtocolError);
});

test('a session that has ended is replaced once, also for a POST, which was not carried out', async () => {
  await using bmc = await aBmc();
  let token = 0;
  bmc.scripts.set(sessions, () => {
    token += 1;
    return { status: 201, headers: { 'x-auth-token': `t${token}`, location: `/s/${token}` }, json: {} };
  });
  bmc.scripts.set('POST /act', ({ headers }) => ({ status: headers['x-auth-token'] === 't2' ? 204 : 401 }));
  await using client = aClient(bmc);
  assert.equal((await client.post('/act', {}, never)).status, 204);
  assert.equal(count(bmc.log, 'POST /act'), 2);
  bmc.scripts.set('POST /act', { status: 401 });
  await assert.rejects(client.post('/act', {}, never), BmcAuthFailed);
  assert.equal(count(bmc.log, 'POST /act'), 4);
});

test('wrong credentials are said once and not guessed on with, lest the account is locked', async () => {
  await using bmc = await aBmc(thing);
  bmc.scripts.set(sessions, { status: 401 });
  await using client = aClient(bmc);
  await assert.rejects(client.get('/thing', never), BmcAuthFailed);
  assert.deepEqual(bmc.log, ['GET /redfish/v1/', sessions]);
  await using basic = aClient(bmc, { authType: 'basic' });
  bmc.scripts.set('GET /thing', { status: 401 });
  await assert.rejects(basic.get('/thing', never), BmcAuthFailed);
  assert.equal(count(bmc.log, 'GET /thing'), 1);
});

test('a GET is repeated after 5xx, a broken connection and silence; the pause is what the service asks for', async () => {
  await using bmc = await aBmc();
  const clock = aClock();
  const troubles = [
    () => ({ status: 500 }),
    () => ({ status: 503, headers: { 'retry-after': '7' } }),
    // A connection that was kept may just have been closed: that is no reason for a pause. A new one that breaks is.
    (_: Asked, response: ServerResponse) => void response.destroy(),
    (_: Asked, response: ServerResponse) => void response.destroy(),
    () => clock.expire(),
    () => ({ json: { Name: 'at last' } }),
  ];
  bmc.scripts.set('GET /thing', (asked, response) => troubles.shift()?.(asked, response) ?? undefined);
  await using client = aClient(bmc, { clock });
  assert.equal((await client.get('/thing', never)).body.Name, 'at last');
  assert.deepEqual(clock.slept, [4000, 7000, 4000, 4000]);
});

test('reads share a few connections; what changes something has one of its own', async () => {
  await using bmc = await aBmc(thing);
  await using client = aClient(bmc, { maxConcurrentRequests: 2 });
  const ports: Record<'GET' | 'POST', Set<number | undefined>> = { GET: new Set(), POST: new Set() };
  for (const method of ['GET', 'POST'] as const)
    bmc.scripts.set(`${method} /thing`, (_, response) => {
      ports[method].add(response.socket?.remotePort);
      return { json: {} };
    });
  for (let time = 0; time < 10; time += 1) {
    await client.get('/thing', never);
    await client.post('/thing', {}, never);
  }
  assert.ok(ports.GET.size <= 2);
  assert.equal(ports.POST.size, 10);
  assert.ok(ports.GET.isDisjointFrom(ports.POST));
});

test('a request that changes something is sent once, and its error says that it may have had an effect', async () => {
  await using bmc = await aBmc();
  const clock = aClock();
  await using client = aClient(bmc, { clock });
  bmc.scripts.set('POST /act', (_, response) => void response.destroy());
  await assert.rejects(
    client.post('/act', {}, never),
    (error) => error instanceof BmcUnreachable && error.mayHaveTakenEffect,
  );
  bmc.scripts.set('POST /act', () => clock.expire());
  await assert.rejects(
    client.post('/act', {}, never),
    (error) => error instanceof BmcTimeout && error.mayHaveTakenEffect,
  );
  bmc.scripts.set('POST /act', { status: 503 });
  await assert.rejects(client.post('/act', {}, never), { status: 503 });
  assert.equal(count(bmc.log, 'POST /act'), 3);
  assert.deepEqual(clock.slept, []);
});

test('a request that never got out is tried again, then fails as unreachable with no effect', async () => {
  const bmc = await aBmc();
  await bmc.stop();
  const clock = aClock();
  await using client = aClient(bmc, { clock, connectionAttempts: 3 });
  await assert.rejects(
    client.post('/act', {}, never),
    (error) => error instanceof BmcUnreachable && !error.mayHaveTakenEffect,
  );
  assert.equal(clock.slept.length, 2);
});

test('after failures in a row nothing is asked, then one request decides for all', async () => {
  await using bmc = await aBmc();
  let isDown = true;
  bmc.scripts.set('GET /thing', (_, response) => (isDown ? void response.destroy() : { json: {} }));
  const clock = aClock();
  await using client = aClient(bmc, { clock, authType: 'basic', connectionAttempts: 2, breakerFailures: 2 });
  await assert.rejects(client.get('/thing', never), BmcUnreachable);
  await assert.rejects(
    client.get('/thing', never),
    (error) => error instanceof BmcCircuitOpen && error.cause instanceof BmcUnreachable,
  );
  assert.equal(bmc.log.length, 2);
  clock.advance(30_000);
  await assert.rejects(client.get('/thing', never), BmcUnreachable);
  assert.equal(bmc.log.length, 3, 'the one attempt failed, and there is no second');
  await assert.rejects(client.get('/thing', never), BmcCircuitOpen);
  clock.advance(30_000);
  isDown = false;
  await client.get('/thing', never);
  await client.get('/thing', never);
  assert.equal(bmc.log.length, 5);
});

test('while one request tries a circuit that was open, the others are still refused', async () => {
  await using bmc = await aBmc();
  let answer: (() => void) | undefined;
  bmc.scripts.set('GET /thing', (_, response) => void response.destroy());
  const clock = aClock();
  await using client = aClient(bmc, { clock, authType: 'basic', connectionAttempts: 1, breakerFailures: 1 });
  await assert.rejects(client.get('/thing', never), BmcUnreachable);
  clock.advance(30_000);
  bmc.scripts.set('GET /thing', (_, response) => {
    answer = () => response.end('{}');
  });
  const arrived = bmc.arrival('GET /thing');
  const trial = client.get('/thing', never);
  await arrived;
  await assert.rejects(client.get('/thing', never), BmcCircuitOpen);
  answer?.();
  await trial;
});

test('no more requests run and wait at once than allowed, and they run in order', async () => {
  await using bmc = await aBmc();
  const open: (() => void)[] = [];
  let [running, most] = [0, 0];
  for (const path of ['/1', '/2', '/3', '/4']) {
    bmc.scripts.set(`GET ${path}`, (_, response) => {
      running += 1;
      most = Math.max(most, running);
      open.push(() => {
        running -= 1;
        response.end('{}');
      });
    });
  }
  const options = { authType: 'basic', maxConcurrentRequests: 2, maxQueuedRequests: 2 } as const;
  await using client = aClient(bmc, options);
  const both = Promise.all([bmc.arrival('GET /1'), bmc.arrival('GET /2')]);
  const requests = ['/1', '/2', '/3', '/4'].map((path) => client.get(path, never));
  await both;
  await assert.rejects(client.get('/5', never), BmcBusy);
  for (const path of ['/3', '/4']) {
    const arrived = bmc.arrival(`GET ${path}`);
    open.shift()?.();
    await arrived;
  }
  for (const end of open) end();
  await Promise.all(requests);
  assert.equal(most, 2);
  assert.deepEqual(bmc.log, ['GET /1', 'GET /2', 'GET /3', 'GET /4']);
  assert.equal(client.isIdle, true);
});

test('an aborted request ends with its reason, in flight or waiting, and gives its place back', async () => {
  await using bmc = await aBmc();
  bmc.scripts.set('GET /hang', () => undefined);
  bmc.scripts.set('GET /thing', { json: {} });
  await using client = aClient(bmc, { authType: 'basic', maxConcurrentRequests: 1 });
  const reason = new Error('enough');
  const [first, second] = [new AbortController(), new AbortController()];
  const arrived = bmc.arrival('GET /hang');
  const inFlight = client.get('/hang', first.signal);
  await arrived;
  const waiting = client.get('/hang', second.signal);
  second.abort(reason);
  await assert.rejects(waiting, reason);
  first.abort(reason);
  await assert.rejects(inFlight, reason);
  await client.get('/thing', never);
  assert.equal(client.isIdle, true);
});

test('closing ends what is under way', async () => {
  await using bmc = await aBmc();
  bmc.scripts.set('GET /hang', () => undefined);
  const client = aClient(bmc, { authType: 'basic' });
  const arrived = bmc.arrival('GET /hang');
  const hanging = client.get('/hang', never);
  const rejected = assert.rejects(hanging, BmcClientClosed);
  await arrived;
  await client[Symbol.asyncDispose]();
  await rejected;
  await assert.rejects(client.get('/hang', never), BmcClientClosed);
});

test('garbage, redirections and endless answers are errors of their own, and not asked for again', async () => {
  await using bmc = await aBmc();
  const options = { authType: 'basic', maxResponseBytes: 1000 } as const;
  await using client = aClient(bmc, options);
  const bad = [
    { text: '<html>login</html>' },
    { text: '[1]' },
    { json: { long: 'x'.repeat(2000) } },
    { headers: { 'content-encoding': 'gzip' }, text: 'not gzip' },
    { status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere' } },
    { status: 304 },
    { status: 400 },
  ];
  for (const reply of bad) {
    bmc.log.length = 0;
    bmc.scripts.set('GET /thing', reply);
    await assert.rejects(client.get('/thing', never), BmcProtocolError, JSON.stringify(reply));
    assert.deepEqual(bmc.log, ['GET /thing'], JSON.stringify(reply));
  }
  for (const path of ['http://127.0.0.1:1/', 'thing', '/a b', '/a\r\nX: y']) {
    await assert.rejects(client.get(path, never), BmcProtocolError);
  }
});

test('what is not HTTP at all is a protocol error', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('SSH-2.0-dropbear\r\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listening TCP server has an address of this kind.
  const { port } = server.address() as AddressInfo;
  try {
    await using client = aClient({ address: `http://127.0.0.1:${port}` }, { authType: 'basic' });
    await assert.rejects(client.get('/thing', never), BmcProtocolError);
  } finally {
    server.close();
  }
});

test('a resource that exists compressed only is read all the same', async () => {
  await using bmc = await aBmc();
  bmc.scripts.set('GET /thing', ({ headers }, response) => {
    if (headers['accept-encoding'] !== undefined) return { status: 406 };
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"Name":"packed"}'));
    return undefined;
  });
  await using client = aClient(bmc);
  assert.equal((await client.get('/thing', never)).body.Name, 'packed');
});

test('a PATCH carries the ETag that was read, then its strong form, then none', async () => {
  await using bmc = await aBmc();
  const tags: unknown[] = [];
  bmc.scripts.set('GET /thing', { json: {}, headers: { etag: 'W/"1"' } });
  bmc.scripts.set('PATCH /thing', ({ headers }) => {
    tags.push(headers['if-match']);
    return { status: headers['if-match'] === undefined ? 200 : 412, json: {} };
  });
  await using client = aClient(bmc);
  await client.patch(await client.get('/thing', never), { a: 1 }, never);
  assert.deepEqual(tags, ['W/"1"', '"1"', undefined]);
});

test('what the service says is passed on, but nothing secret that it repeats', async () => {
  await using bmc = await aBmc();
  const clock = aClock();
  await using client = aClient(bmc, { clock, connectionAttempts: 1, breakerFailures: 100 });
  const { username, password, token } = secret;
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const image = 'http://reader:key@10.0.0.1/image.iso?signature=abcdef';
  const echo = `Bad: ${password} ${token} ${basic} ${image}\nforged line`;
  await client.get('/redfish/v1/', never);
  const troubles: [script: Parameters<typeof bmc.scripts.set>[1], contains: RegExp][] = [
    [
      { status: 400, ...anError(`Base.1.0.${password}`, echo) },
      /saying: Bad: \*{6} \*{6} \*{6} http:\/\/10\.0\.0\.1\/image\.iso\?… forged line/,
    ],
    [{ status: 403, ...anError('Base.1.0.InsufficientPrivilege', 'No rights') }, /403 saying: No rights/],
    [{ status: 500, text: echo }, /500 without a reason/],
    [{ status: 401, text: echo }, /refused the user name or password/],
    [{ status: 403, text: echo }, /administrator role/],
    [{ text: echo }, /not JSON/],
    [{ status: 301, headers: { location: `/${password}` } }, /redirection/],
    [(_, response) => void response.destroy(), /connection broke/],
    [() => clock.expire(), /did not answer GET \/thing/],
  ];
  for (const [script, contains] of troubles) {
    bmc.scripts.set('GET /thing', script);
    await assert.rejects(client.get('/thing', never), (error: unknown) => {
      assert.ok(error instanceof BmcError);
      assert.match(error.message, contains);
      assert.ok(error.message.includes(bmc.address));
      const everything = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
      for (const hidden of [password, token, basic, 'signature', 'reader:key']) {
        assert.ok(!everything.includes(hidden), `${hidden} in ${everything}`);
      }
      return true;
    });
  }
  bmc.scripts.set(sessions, { status: 401, text: echo });
  await using other = aClient(bmc);
  await assert.rejects(other.get('/thing', never), (error) => !inspect(error).includes(password));
});
