import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import * as fc from 'fast-check';
import { conductorRoutes } from './conductors/routes.ts';
import { driverRoutes } from './drivers/routes.ts';
import { nodeStateRoutes } from './nodes/states-routes.ts';
import { portRoutes } from './ports/routes.ts';
import { ramdiskRoutes } from './ramdisk/routes.ts';
import { type ApiUnderTest, startApi } from './testing/api-under-test.ts';

let api: ApiUnderTest;
let ids: string[];

before(async () => {
  api = await startApi();
  const node = (await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware', name: 'n' } }))
    .json;
  const body = { node_uuid: node.uuid, address: '52:54:00:00:00:01' };
  const port = (await api.request('POST', '/v1/ports', { body })).json;
  ids = [node.uuid, port.uuid];
});
after(async () => await api[Symbol.asyncDispose]());

const routes = [...nodeStateRoutes, ...portRoutes, ...driverRoutes, ...conductorRoutes, ...ramdiskRoutes];

/** Names that mean something somewhere, so that chance gets past the first check. */
const words = [
  'target timeout reason boot_device persistent configdrive clean_steps deploy_steps callback_url agent_token',
  'agent_version inventory interfaces mac_address address node_uuid extra local_link_connection op path value',
  'physical_network interface step args priority limit marker sort_key sort_dir fields detail addresses node',
  '__proto__ constructor shard portgroup type description_contains',
].flatMap((line) => line.split(' '));
const texts = [
  'manage provide active clean abort rescue pxe uefi true no n 52:54:00:00:00:02 http://192.0.2.1 add replace',
  'remove /extra/a /address /node_uuid fake-hardware id uuid created_at desc -1 1e999 % 99999999999999999999',
]
  .flatMap((line) => line.split(' '))
  .concat('power on', '\u0000', "'");

it('no request is answered as if the fault were ours', async () => {
  const word = fc.constantFrom(...words);
  const text = fc.oneof(
    fc.constantFrom(...texts),
    fc.string(),
    fc.constantFrom(0, 1).map((at) => ids[at] ?? ''),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      text,
      fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(word, tie('value'), { maxKeys: 6 }),
    ),
  }));
  const request = fc.record({
    route: fc.constantFrom(...routes),
    ident: text,
    query: fc.dictionary(word, text, { maxKeys: 2 }),
    body: fc.oneof(fc.dictionary(word, value, { maxKeys: 6 }), value),
    minor: fc.integer({ min: 1, max: 115 }),
  });
  const run = async ({ route, ident, query, body, minor }: Sent): Promise<void> => {
    const path = route.path.replaceAll(/:[a-z]+/g, encodeURIComponent(ident) || 'x');
    const reply = await api.request(route.method, `/v1${path}?${new URLSearchParams(query).toString()}`, {
      version: `1.${minor}`,
      ...(route.method === 'GET' ? {} : { body }),
    });
    // 503 is the honest answer of a conductor that has too much to do.
    assert.ok(reply.status < 500 || reply.status === 503, `${reply.status}: ${reply.text}`);
    if (reply.status >= 400) assert.ok(reply.json.error_message, reply.text);
  };
  await fc.assert(fc.asyncProperty(request, run), { numRuns: 600 });
});

interface Sent {
  route: (typeof routes)[number];
  ident: string;
  query: Record<string, string>;
  body: unknown;
  minor: number;
}
