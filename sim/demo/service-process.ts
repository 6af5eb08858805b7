// The all-in-one service as a child process, configured by a file that the demo writes.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { DemoFailure } from './failure.ts';
import type { StandInRamdisk } from '../stand-in-ramdisk.ts';

export interface ServiceProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly logFile: string;
  /** Aborted, with the reason, when the service ends though nobody asked it to. */
  readonly ended: AbortSignal;
}

const entry = join(import.meta.dirname, '..', '..', 'src', 'bin', 'ingot.ts');
const startLimitMs = 30_000;
/** More than [conductor]graceful_shutdown_timeout below. */
const stopLimitMs = 8_000;

/**
 * Machines and BMCs of the demo take a fraction of the time that real ones do, so what is looked at every few seconds
 * with those is looked at a few times a second here. All else is as it comes.
 */
function configuration({ kernel, ramdisk }: StandInRamdisk): string {
  const agent = ['ipa-heartbeat-min-gap=0.2', 'ipa-inspection-retry-interval=0.2', 'ipa-lookup-interval=0.2'];
  return `[DEFAULT]
host = demo
my_ip = 127.0.0.1

[conductor]
deploy_kernel = ${pathToFileURL(kernel).href}
deploy_ramdisk = ${pathToFileURL(ramdisk).href}
graceful_shutdown_timeout = 3
node_locked_retry_interval = 0.1

[agent]
# The agents are on this host and speak plain HTTP on the loopback.
require_tls = False
command_wait_interval = 0.3

[redfish]
kernel_append_params = ${agent.join(' ')}

[ingot]
driver_poll_interval = 0.1
`;
}

/** Starts it with its data below `folder`. Throws DemoFailure with the end of its log when it does not come up. */
export async function startService(
  folder: string,
  ramdisk: StandInRamdisk,
  signal: AbortSignal,
): Promise<ServiceProcess> {
  const configFile = join(folder, 'ingot.conf');
  const logFile = join(folder, 'service.log');
  await writeFile(configFile, configuration(ramdisk));
  const child = spawnService(folder, configFile, logFile);
  const ended = new AbortController();
  child.once('exit', (status, killedBy) =>
    ended.abort(new DemoFailure(`The service ended by itself with ${killedBy ?? `status ${status}`}`)),
  );
  child.once('error', (cause) => ended.abort(new DemoFailure('The service could not be started', { cause })));
  try {
    const limit = AbortSignal.timeout(startLimitMs);
    const url = await readyUrl(child, AbortSignal.any([signal, ended.signal, limit]));
    return {
      url,
      pid: child.pid ?? 0, // it printed, so it has one
      logFile,
      ended: ended.signal,
      [Symbol.asyncDispose]: async () => await stop(child, ended.signal),
    };
  } catch (cause) {
    await stop(child, ended.signal);
    signal.throwIfAborted();
    throw new DemoFailure(`The service did not start. The end of its log:\n${await tailOf(logFile)}`, {
      cause,
    });
  }
}

/** Tells it to stop, and kills it when it takes too long. May be repeated. */
async function stop(child: ChildProcess, ended: AbortSignal): Promise<void> {
  if (ended.aborted) return;
  const end = once(ended, 'abort');
  const limit = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  child.kill('SIGTERM');
  await end;
  clearTimeout(limit);
}

function spawnService(folder: string, configFile: string, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  try {
    const args = [entry, '--port', '0', '--data', join(folder, 'service'), '--config', configFile];
    return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      stdio: ['ignore', 'pipe', log],
    });
  } finally {
    closeSync(log);
  }
}

async function readyUrl(child: ChildProcess, signal: AbortSignal): Promise<string> {
  if (!child.stdout) throw new TypeError('The service was started without a pipe');
  const lines = createInterface({ input: child.stdout, signal });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  lines.on('line', (line) => {
    const [, url] = /^Ingot is ready: (http\S+)$/.exec(line) ?? [];
    if (url) resolve(url);
  });
  try {
    return await promise;
  } finally {
    lines.close();
    // What it says later is not read; a full pipe would hold it up.
    child.stdout.resume();
  }
}

async function tailOf(logFile: string): Promise<string> {
  return (await readFile(logFile, 'utf8').catch(() => '')).split('\n').slice(-12).join('\n').trim();
}
