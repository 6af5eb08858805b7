// The service as a process of its own, to be killed, started again, and asked to end.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const entry = join(import.meta.dirname, '..', '..', 'src', 'bin', 'ingot.ts');

/** Settings as they stand in the file: group, option, value. */
export type Configuration = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** Later ones go before earlier ones, option by option. */
export function configurationText(...configurations: Configuration[]): string {
  const groups = new Map<string, Map<string, string>>();
  for (const configuration of configurations)
    for (const [group, options] of Object.entries(configuration)) {
      const known = groups.get(group) ?? new Map<string, string>();
      groups.set(group, known);
      for (const [name, value] of Object.entries(options)) known.set(name, String(value));
    }
  return [...groups]
    .map(([group, options]) => [`[${group}]`, ...[...options].map(([name, value]) => `${name} = ${value}`)])
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** Runs the entry point to its end, as a shell would. */
export async function runIngot(
  args: readonly string[],
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    // The event's arguments are the exit status and the signal.
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { status, stdout, stderr };
}

/** Below the ports that the system hands out, so that nobody takes it while a service is being started again. */
const reservedPorts = { from: 20_000, count: 10_000 };

/** A port that is free, and stays so for a service that is to come back on the same one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = reservedPorts.from + randomInt(reservedPorts.count);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

export interface ServiceOptions {
  /** Where configuration, data and log stand. */
  folder: string;
  configuration?: Configuration;
  port?: number;
}

/** One life of the service. */
export class ServiceProcess implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.#folder = folder;
    this.url = url;
  }

  /** Starts it and waits until it takes requests. Throws with the end of its log when it does not come so far. */
  static async start({ folder, configuration = {}, port = 0 }: ServiceOptions): Promise<ServiceProcess> {
    const configFile = join(folder, 'ingot.conf');
    await writeFile(
      configFile,
      configurationText({ DEFAULT: { host: 'test', my_ip: '127.0.0.1' } }, configuration),
    );
    const child = spawnService(folder, ['--port', `${port}`, '--config', configFile]);
    const url = await readyUrl(child);
    if (url === undefined) throw new Error(`The service did not start:\n${await logOf(folder)}`);
    return new ServiceProcess(child, folder, url);
  }

  get pid(): number {
    return this.#child.pid ?? 0; // It printed its URL, so it has one.
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async log(): Promise<string> {
    return await logOf(this.#folder);
  }

  /** Resolves with status and signal when it is gone. */
  async ended(): Promise<{ status: number | null; signal: string | null }> {
    if (this.isAlive) await once(this.#child, 'exit');
    return { status: this.#child.exitCode, signal: this.#child.signalCode };
  }

  /** Asks it to end. */
  async stop(): Promise<{ status: number | null; signal: string | null }> {
    this.#child.kill('SIGTERM');
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended();
  }
}

function spawnService(folder: string, args: readonly string[]): ChildProcess {
  const log = openSync(join(folder, 'service.log'), 'a');
  try {
    return spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', entry, '--data', join(folder, 'data'), ...args],
      { stdio: ['ignore', 'pipe', log] },
    );
  } finally {
    closeSync(log);
  }
}

/** Undefined when it ended before it was ready. */
async function readyUrl(child: ChildProcess): Promise<string | undefined> {
  if (!child.stdout) throw new TypeError('The service was started without a pipe');
  const lines = createInterface({ input: child.stdout });
  try {
    for await (const line of lines) {
      const [, url] = /^Ingot is ready: (http\S+)$/.exec(line) ?? [];
      if (url !== undefined) return url;
    }
    return undefined;
  } finally {
    lines.close();
    // What it says later is not read; a full pipe would hold it up.
    child.stdout.resume();
  }
}

async function logOf(folder: string): Promise<string> {
  return await readFile(join(folder, 'service.log'), 'utf8').catch(() => '');
}
