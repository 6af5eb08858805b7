// How the service begins and ends, as whoever starts it from a shell or a unit file sees it.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Configuration, configurationText } from '#sim/cluster/configuration-file.ts';
import { type Postgres, startPostgres } from '#sim/cluster/postgres.ts';
import { BareMetalClient } from '../support/bare-metal-client.ts';
import { runIngot, ServiceProcess } from '../support/service-process.ts';
import { until } from '../support/until.ts';

let folder: string;
let busy: Server;
let busyPort: number;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ingot-start-'));
  busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const address = busy.address();
  assert.ok(address !== null && typeof address === 'object');
  busyPort = address.port;
});

after(async () => {
  busy.close();
  await rm(folder, { recursive: true, force: true });
});

async function aConfiguration(text: string): Promise<string> {
  const file = join(folder, 'wrong.conf');
  await writeFile(file, text);
  return file;
}

describe('what cannot be started is one sentence on standard error and exit status 2', () => {
  const data = (): string[] => ['--data', join(folder, 'unused')];
  const cases: Record<string, { args: () => Promise<string[]>; says: RegExp | (() => RegExp) }> = {
    'an option that is not there': { args: async () => ['--prot', '1'], says: /--prot.*--port/ },
    'a port that is none': { args: async () => ['--port', 'http'], says: /--port takes a whole number/ },
    'a port that is busy': {
      args: async () => ['--port', `${busyPort}`, ...data()],
      says: () => new RegExp(`${busyPort}.*taken by another program.*--port`),
    },
    'a configuration file that is not there': {
      args: async () => ['--config', join(folder, 'absent.conf'), ...data()],
      says: /absent\.conf cannot be read: there is no such file/,
    },
    'a configuration file that cannot be read': {
      args: async () => ['--config', folder, ...data()],
      says: /cannot be read: it is a folder/,
    },
    'a value of the wrong kind': {
      args: async () => [
        '--config',
        await aConfiguration('[conductor]\nheartbeat_interval = often\n'),
        ...data(),
      ],
      says: /heartbeat_interval/,
    },
    'a part that is none': {
      args: async () => ['scheduler'],
      says: /'scheduler' is nothing to start: api, conductor/,
    },
    'an API apart with the embedded store': {
      args: async () => ['api', ...data()],
      says: /'ingot api'.*\[database\] connection = postgresql:.* and \[ingot\] broker_url/,
    },
    'a conductor apart without a broker': {
      args: async () => [
        'conductor',
        '--config',
        await aConfiguration('[database]\nconnection = postgresql+psycopg2://ingot@127.0.0.1/ingot\n'),
        ...data(),
      ],
      says: /'ingot conductor'.*: set \[ingot\] broker_url = nats:/,
    },
    'an address without authentication that others reach': {
      args: async () => [
        '--config',
        await aConfiguration('[api]\nhost_ip = 0.0.0.0\n'),
        '--port',
        '0',
        ...data(),
      ],
      says: /allow_remote_without_auth/,
    },
    'a name that begins like an address of the loopback': {
      args: async () => [
        '--config',
        await aConfiguration('[api]\nhost_ip = 127.0.0.1.example\n'),
        '--port',
        '0',
        ...data(),
      ],
      says: /allow_remote_without_auth/,
    },
    'a data folder that cannot be': {
      args: async () => {
        await writeFile(join(folder, 'a-file'), '');
        return ['--port', '0', '--data', join(folder, 'a-file', 'data')];
      },
      says: /a-file.*cannot be made/,
    },
  };
  for (const [what, { args, says }] of Object.entries(cases))
    test(what, async () => {
      const { status, stdout, stderr } = await runIngot(await args());
      assert.equal(status, 2, stderr);
      assert.match(stderr, typeof says === 'function' ? says() : says);
      assert.match(stderr, /^ingot: \S.*\n$/, 'one line');
      assert.equal(stdout, '');
    });
});

test('--help explains the options and ends with status 0', async () => {
  const { status, stdout } = await runIngot(['--help']);
  assert.equal(status, 0);
  for (const option of ['--port', '--data', '--config', '--sim']) assert.ok(stdout.includes(option));
});

test('SIGTERM ends it in order, and what was stored is there at the next start', async () => {
  const home = join(folder, 'restart');
  await mkdir(home);
  let uuid: string;
  {
    await using service = await ServiceProcess.start({ folder: home });
    uuid = await new BareMetalClient(service.url).createNode({ name: 'kept', driver: 'fake-hardware' });
    assert.deepEqual(await service.stop(), { status: 0, signal: null });
  }
  await using service = await ServiceProcess.start({ folder: home });
  const client = new BareMetalClient(service.url);
  assert.equal((await client.node('kept')).uuid, uuid);
  await client.provision(uuid, 'manage');
  await client.untilState(uuid, 'manageable');
});

describe('a service whose database is not there yet', () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startPostgres();
    await postgres.stop();
  });
  after(async () => await postgres.remove());

  const configuration = (more: Record<string, string | number> = {}): Configuration => ({
    DEFAULT: { host: 'test' },
    database: { connection: postgres.url },
    ingot: more,
  });

  test('says so and ends when it was away for too long', async () => {
    const file = await aConfiguration(configurationText(configuration({ start_patience: 1 })));
    const { status, stderr } = await runIngot([
      '--config',
      file,
      '--port',
      '0',
      '--data',
      join(folder, 'away'),
    ]);
    assert.equal(status, 2);
    assert.match(stderr, /^ingot: The database postgresql:.* start_patience says for how long\.\n$/m);
    assert.doesNotMatch(stderr, new RegExp(new URL(postgres.url).password), 'no password');
  });

  test('waits for it, says so, and does its work when it is there', async () => {
    const home = join(folder, 'waits');
    const starting = ServiceProcess.start({ folder: home, configuration: configuration() });
    const log = async (): Promise<string> =>
      await readFile(join(home, 'service.log'), 'utf8').catch(() => '');
    await until(log, (text) => text.includes('waiting for the database'));
    await postgres.restart();
    await using service = await starting;
    const client = new BareMetalClient(service.url);
    const uuid = await client.createNode({ driver: 'fake-hardware' });
    await client.provision(uuid, 'manage');
    await client.untilState(uuid, 'manageable');
    assert.deepEqual(await service.stop(), { status: 0, signal: null });
  });
});
