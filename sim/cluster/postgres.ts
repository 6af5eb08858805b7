// A private PostgreSQL server: its own data in a temporary folder, a free port of the loopback, no privileges.
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, closeSync, globSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { spawnWithParent } from '../spawn-with-parent.ts';
import { ensureInstalled } from './debian-packages.ts';
import { freePort } from './free-port.ts';

export interface PostgresOptions {
  /** False: commits are told before they are on the disk. Faster; a crash of the machine then loses data. */
  readonly fsync?: boolean;
  /** Settings of the server, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Postgres {
  /** Of an empty database. */
  readonly url: string;
  /** What the server says about itself. */
  readonly logFile: string;
  /** The server's process; undefined while it is stopped. */
  pid(): number | undefined;
  urlOf(database: string): string;
  /** Ends it in order: sessions are ended, what was committed is kept. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would: what was not written to the log is lost, and the next start recovers. */
  crash(): Promise<void>;
  /** Starts it again on the same port and data, in order when it still runs. */
  restart(): Promise<void>;
  /** Ends it and takes its data away. */
  remove(): Promise<void>;
}

const owner = 'ingot';
const database = 'ingot';

/** The folder of the server's programs; the Debian package is installed when there are none. */
export function ensurePostgres(): string {
  return ensureInstalled('postgresql', findBinaries);
}

/** Starts a server, installing the Debian package when there is none. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const binaries = ensurePostgres();
  const user = unprivilegedUser();
  const folder = await mkdtemp(join(tmpdir(), 'ingot-postgres-'));
  if (user) chownSync(folder, user.uid, user.gid);
  const server = new Server({ binaries, user, folder, port: await freePort(), options });
  try {
    await server.make();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return server;
}

interface Place {
  readonly binaries: string;
  readonly user: { uid: number; gid: number } | undefined;
  readonly folder: string;
  readonly port: number;
  readonly options: PostgresOptions;
}

class Server implements Postgres {
  readonly logFile: string;
  readonly #place: Place;
  readonly #data: string;
  readonly #password = randomBytes(12).toString('hex');
  #process: ChildProcess | undefined;
  /** Whoever forgets to end it, or dies of an error, leaves nothing behind. */
  readonly #abandon = (): void => {
    this.#process?.kill('SIGQUIT');
    rmSync(this.#place.folder, { recursive: true, force: true, maxRetries: 10 });
  };

  constructor(place: Place) {
    this.#place = place;
    this.#data = join(place.folder, 'data');
    this.logFile = join(place.folder, 'server.log');
    process.once('exit', this.#abandon);
  }

  get url(): string {
    return this.urlOf(database);
  }

  urlOf(name: string): string {
    return `postgresql://${owner}:${this.#password}@127.0.0.1:${this.#place.port}/${name}`;
  }

  pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Makes the server's data with an empty database, and starts it. */
  async make(): Promise<void> {
    const { folder, user, port } = this.#place;
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, this.#password, { mode: 0o600 });
    if (user) chownSync(passwordFile, user.uid, user.gid);
    const locked = ['--username', owner, '--pwfile', passwordFile, '--auth=scram-sha-256'];
    await this.#finish('initdb', ['-D', this.#data, ...locked, '--encoding=UTF8', '--locale=C', '--no-sync']);
    await this.#start();
    await this.#finish('createdb', ['-h', '127.0.0.1', '-p', String(port), '-U', owner, database]);
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT');
  }

  async crash(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  async restart(): Promise<void> {
    await this.#end('SIGINT');
    await this.#start();
  }

  async remove(): Promise<void> {
    await this.#end('SIGQUIT');
    process.off('exit', this.#abandon);
    await rm(this.#place.folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const { port, options } = this.#place;
    const started = this.#run('postgres', ['-D', this.#data, ...settingsOf(port, options)]);
    this.#process = started;
    while (!(await isReady(this.#data))) {
      if (hasEnded(started))
        throw new Error(`The PostgreSQL server did not start: ${lastWords(this.logFile)}`);
      await delay(20);
    }
  }

  async #end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const ending = this.#process;
    this.#process = undefined;
    if (!ending || hasEnded(ending)) return;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    await exited;
  }

  async #finish(program: string, args: readonly string[]): Promise<void> {
    const [status] = await once(this.#run(program, args), 'exit');
    if (status !== 0) throw new Error(`${program} failed: ${lastWords(this.logFile)}`);
  }

  #run(program: string, args: readonly string[]): ChildProcess {
    const { binaries, user, folder } = this.#place;
    const log = openSync(this.logFile, 'a');
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC', PGPASSWORD: this.#password };
    try {
      // Told to QUIT, it ends without a trace in the system's memory, and recovers as after a crash.
      const options = { cwd: folder, stdio: ['ignore', log, log], env, ...user } satisfies SpawnOptions;
      return spawnWithParent(join(binaries, program), args, options, 'QUIT');
    } finally {
      closeSync(log);
    }
  }
}

function settingsOf(port: number, { fsync = true, settings = {} }: PostgresOptions): string[] {
  const all: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    fsync: fsync ? 'on' : 'off',
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** The newest version that is installed. Debian keeps the server's programs out of PATH. */
function findBinaries(): string | undefined {
  const servers = globSync('/usr/lib/postgresql/*/bin/postgres');
  const newest = servers.toSorted((one, other) => versionOf(one) - versionOf(other)).at(-1);
  return newest?.replace(/\/postgres$/, '');
}

function versionOf(path: string): number {
  return Number(path.split('/').at(-3));
}

/** The server refuses to run as root; undefined where we are not. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody');
}

/** The server writes into its lock file how far it came, on the eighth line. */
async function isReady(data: string): Promise<boolean> {
  const state = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  return state.split('\n')[7]?.trim() === 'ready';
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function lastWords(logFile: string): string {
  return readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
}
