// What is measured: Ingot started here, the reference started here, or a server that runs already.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { BenchError } from './bench-error.ts';

const runFile = promisify(execFile);
const root = join(import.meta.dirname, '..');
const peerFolder = join(root, '..', 'shared', 'peer');

/** Those that tools/run.mjs gave this process are those that npm start runs the service with. */
const runtimeOptions = process.execArgv.filter((option) => /^--(disable-warning|max-)/.test(option));

const startLimitMilliseconds = 60_000;
const stopLimitMilliseconds = 30_000;
/** Its script installs packages where they are missing. */
const referenceStartLimitMilliseconds = 900_000;

export interface Target {
  readonly name: string;
  readonly url: string;
  /** Accounted together with all that descend from them. */
  readonly pids: readonly number[];
  /** From the start of the process to the first 200 of /v1; null when it was not started here. */
  readonly startSeconds: number | null;
  /** Whether it ends with the run: then nothing in it has to be cleaned up. */
  readonly isOurs: boolean;
  stop(): Promise<void>;
}

export function runningTarget(url: string, pids: readonly number[]): Target {
  return { name: url, url, pids, startSeconds: null, isOurs: false, stop: async () => {} };
}

/** What Ingot is measured with where a measurement needs nothing else. */
const ordinaryConfiguration = '[DEFAULT]\nhost = bench\nenabled_hardware_types = fake-hardware\n';

/**
 * Starts Ingot in a process and a data folder of its own. `nodeOptions` go to the runtime besides those of npm start.
 * What it logs beyond what is told of a failure is handed to `hear`, line by line.
 */
export async function startIngot(
  nodeOptions: readonly string[] = [],
  configuration = ordinaryConfiguration,
  hear: (line: string) => void = () => {},
): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-bench-'));
  const config = join(folder, 'ingot.conf');
  await writeFile(config, configuration);
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...runtimeOptions,
      ...nodeOptions,
      join(root, 'src', 'bin', 'ingot.ts'),
      '--port',
      '0',
      '--data',
      join(folder, 'data'),
      '--config',
      config,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(child, 'exit');
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    if (log.length > 20) log.shift();
    hear(line);
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const limit = setTimeout(() => child.kill('SIGKILL'), stopLimitMilliseconds);
    await ended;
    clearTimeout(limit);
    await rm(folder, { recursive: true, force: true });
  };
  const limit = setTimeout(() => child.kill('SIGKILL'), startLimitMilliseconds);
  const url = await Promise.race([readyUrl(child.stdout), ended.then(() => undefined)]);
  clearTimeout(limit);
  if (url === undefined || child.pid === undefined) {
    await stop();
    throw new BenchError(`Ingot did not start: ${log.join('\n')}`);
  }
  const answer = await fetch(`${url}/v1`);
  const startSeconds = (performance.now() - begun) / 1000;
  await answer.body?.cancel();
  return { name: 'ingot', url, pids: [child.pid], startSeconds, isOurs: true, stop };
}

async function readyUrl(output: NodeJS.ReadableStream): Promise<string | undefined> {
  return await new Promise((resolve) => {
    createInterface({ input: output })
      .on('line', (line) => {
        const url = /^Ingot is ready: (\S+)/.exec(line)?.[1];
        if (url) resolve(url);
      })
      .on('close', () => resolve(undefined));
  });
}

/** Starts the reference by its own script, on free ports and in a folder of its own. */
export async function startReference(): Promise<Target> {
  const [start, stopScript] = [join(peerFolder, 'start.sh'), join(peerFolder, 'stop.sh')];
  if (!existsSync(start)) throw new BenchError(`There is no reference to start: ${start} is not there.`);
  const folder = await mkdtemp(join(tmpdir(), 'ironic-bench-'));
  const [apiPort, rpcPort, databasePort] = await freePorts(3);
  const env = {
    ...process.env,
    IRONIC_PEER_DIR: folder,
    API_PORT: String(apiPort),
    RPC_PORT: String(rpcPort),
    DB_PORT: String(databasePort),
  };
  const stop = async (): Promise<void> => {
    await runFile(stopScript, [], { env, timeout: 4 * stopLimitMilliseconds });
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { stdout } = await runFile(start, [], { env, timeout: referenceStartLimitMilliseconds });
    const facts = parseEnvironment(stdout);
    const pids = ['API_PID', 'CONDUCTOR_PID', 'DB_PID', 'RABBIT_PID'].flatMap((name) => facts[name] || []);
    return {
      name: `reference (${facts['API_SERVER']})`,
      url: facts['URL'] ?? '',
      pids: pids.map(Number),
      startSeconds: Number(facts['START_TO_V1_S']),
      isOurs: true,
      stop,
    };
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BenchError(`The reference did not start: ${reason}`, { cause });
  }
}

/** Lines of NAME=value. */
export function parseEnvironment(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^([A-Z_0-9]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  return servers.map((server) => {
    const address = server.address();
    server.close();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
}
