import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { defaultRedfishOptions } from '#bmc/redfish/options.ts';
import { networkTransport } from '#bmc/redfish/transport.ts';
import { ancestorsOf, startCollector } from '#telemetry/testing/collector.ts';
import { traced } from '#telemetry/tracing.ts';
import { exchangeOverHttp } from './agent/agent-http.ts';
import { tracedExchange, tracedTransport } from './trace-requests.ts';

async function startMachine(): Promise<AsyncDisposable & { origin: string }> {
  const server = createServer((request, response) => {
    response.writeHead(request.url?.includes('/missing') ? 404 : 200).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on a port, not on a pipe.
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const signal = new AbortController().signal;

it('what is asked of a BMC and of an agent is in the trace, without what opens them', async () => {
  await using machine = await startMachine();
  await using collector = await startCollector();
  const tracer = collector.tracer();
  const { origin } = machine;
  const bmc = tracedTransport(origin, networkTransport(origin, true, defaultRedfishOptions), tracer);
  const agent = tracedExchange(exchangeOverHttp, tracer);
  const ask = async (path: string): Promise<unknown> => {
    const headers = { authorization: 'Basic hunter2', 'x-auth-token': 'hunter2' };
    return await bmc.send({ method: 'GET', path, headers, body: null }, signal);
  };
  const command = { command: 'hunter2' };
  const askAgent = async (at: string): Promise<unknown> =>
    await agent({
      origin: at,
      method: 'POST',
      path: '/v1/commands/',
      query: { agent_token: 'hunter2' },
      body: JSON.stringify(command),
      verify: true,
      timeoutMilliseconds: 60_000,
      signal,
    });
  await traced(tracer, { name: 'step', kind: 'internal' }, async () => {
    await ask('/redfish/v1/Systems/1');
    await ask('/redfish/v1/SessionService/Sessions/hunter2?token=hunter2');
    await ask('/redfish/v1/missing');
    await askAgent(origin);
    // A port that is no program's.
    await assert.rejects(askAgent('http://127.0.0.1:1'));
  });
  // Nobody asked for it: no span.
  await ask('/redfish/v1');
  await bmc.close();
  await tracer[Symbol.asyncDispose]();
  const asked = collector.spans.filter(({ kind }) => kind === 3);
  const { port } = new URL(origin);
  assert.deepEqual(
    asked.map(({ name, attributes, status }) => [
      name,
      attributes['url.full'],
      attributes['server.address'],
      attributes['server.port'],
      attributes['http.response.status_code'] ?? attributes['error.type'],
      status,
    ]),
    [
      ['bmc GET', `${origin}/redfish/v1/Systems/1`, '127.0.0.1', Number(port), 200, 0],
      ['bmc GET', `${origin}/redfish/v1/SessionService/Sessions/*`, '127.0.0.1', Number(port), 200, 0],
      ['bmc GET', `${origin}/redfish/v1/missing`, '127.0.0.1', Number(port), 404, 2],
      ['agent POST', `${origin}/v1/commands/`, '127.0.0.1', Number(port), 200, 0],
      ['agent POST', 'http://127.0.0.1:1/v1/commands/', '127.0.0.1', 1, 'Error', 2],
    ],
  );
  for (const span of asked) assert.deepEqual(ancestorsOf(span, collector.spans), ['step']);
  assert.doesNotMatch(collector.text, /hunter2/);
});
