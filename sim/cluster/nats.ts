// A private NATS server: a free port of the loopback, no privileges, nothing kept.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { spawnWithParent } from '../spawn-with-parent.ts';
import { ensureInstalled } from './debian-packages.ts';

export interface NatsOptions {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Serves TLS only, with these files in PEM, which anybody may read. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface Nats {
  /** With the user and password, or the token, that it asks for. */
  readonly url: string;
  readonly port: number;
  /** The server's process; undefined while it is stopped. */
  pid(): number | undefined;
  /** Ends it in order; clients lose their connections. */
  stop(): Promise<void>;
  /** Starts it again on the same port; ends it first when it runs. */
  restart(): Promise<void>;
  /** Freezes it: connections stay, and nothing comes of them. */
  pause(): void;
  resume(): void;
}

/** The server's program; the Debian package is installed when there is none. */
export function ensureNats(): string {
  return ensureInstalled('nats-server', findProgram);
}

/** Starts a server, installing the Debian package when there is none. */
export async function startNats(options: NatsOptions = {}): Promise<Nats> {
  const program = ensureNats();
  let server: ChildProcess | undefined;
  const start = async (port: string): Promise<number> => {
    const started = run(program, [...asArguments(options), '--addr', '127.0.0.1', '--port', port]);
    server = started;
    return await portOf(started);
  };
  const stop = async (): Promise<void> => {
    const ending = server;
    server = undefined;
    if (!ending || hasEnded(ending)) return;
    const exited = once(ending, 'exit');
    // A frozen process does not hear that it should end.
    ending.kill('SIGCONT');
    ending.kill('SIGTERM');
    await exited;
    process.off('exit', abandon);
  };
  // Whoever forgets to end it, or dies of an error, leaves nothing behind.
  const abandon = (): void => {
    server?.kill('SIGKILL');
  };
  const anyFree = '-1';
  const port = await start(anyFree);
  process.once('exit', abandon);
  return {
    url: `${options.tls ? 'tls' : 'nats'}://${signIn(options)}127.0.0.1:${port}`,
    port,
    pid: () => server?.pid,
    stop,
    async restart() {
      await stop();
      await start(String(port));
      process.once('exit', abandon);
    },
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
  };
}

function asArguments({ user, password, token, tls }: NatsOptions): string[] {
  return [
    ...(user === undefined ? [] : ['--user', user]),
    ...(password === undefined ? [] : ['--pass', password]),
    ...(token === undefined ? [] : ['--auth', token]),
    ...(tls === undefined ? [] : ['--tls', '--tlscert', tls.cert, '--tlskey', tls.key]),
  ];
}

function signIn({ user, password, token }: NatsOptions): string {
  const word = token ?? user;
  if (word === undefined) return '';
  return password === undefined
    ? `${encodeURIComponent(word)}@`
    : `${encodeURIComponent(word)}:${encodeURIComponent(password)}@`;
}

function run(program: string, args: readonly string[]): ChildProcess {
  const isRoot = process.getuid?.() === 0;
  return spawnWithParent(program, args, {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot && { uid: nobody, gid: nobody }),
  });
}

/** Debian's user and group without rights. */
const nobody = 65_534;

/** The server says in its log where it listens, and when it is ready. Throws what it said when it ended instead. */
async function portOf(server: ChildProcess): Promise<number> {
  const said: string[] = [];
  let port = 0;
  // The log is a pipe, by the options of `run`; it is read to the server's end, or it would fill up.
  const log = createInterface({ input: server.stderr! });
  const ready = Promise.withResolvers<number>();
  log.on('line', (line) => {
    if (said.length < 100) said.push(line);
    port = Number(/Listening for client connections on \S+:(\d+)$/.exec(line)?.[1] ?? port);
    if (line.endsWith('Server is ready')) ready.resolve(port);
  });
  const fail = (): void => ready.reject(new Error(`The NATS server did not start: ${said.join('\n')}`));
  server.once('error', fail);
  log.once('close', fail);
  return await ready.promise;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function findProgram(): string | undefined {
  return ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/usr/local/bin/nats-server'].find((path) =>
    existsSync(path),
  );
}
