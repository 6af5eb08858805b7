// The service as a process of its own, to be killed, started again, and asked to end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Configuration, merged } from '#sim/cluster/configuration-file.ts';
import { IngotProcess } from '#sim/cluster/ingot-process.ts';

const entry = join(import.meta.dirname, '..', '..', 'src', 'bin', 'ingot.ts');

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

export interface ServiceOptions {
  /** Where configuration, data and log stand. */
  folder: string;
  configuration?: Configuration;
  port?: number;
}

/** One life of everything in one process. */
export type ServiceProcess = IngotProcess;

export const ServiceProcess = {
  /** Starts it and waits until it takes requests. Throws with the end of its log when it does not come so far. */
  async start({ folder, configuration = {}, port = 0 }: ServiceOptions): Promise<ServiceProcess> {
    const own: Configuration = { DEFAULT: { host: 'test', my_ip: '127.0.0.1' }, api: { port } };
    const service = new IngotProcess({
      role: 'all-in-one',
      folder,
      configuration: merged(own, configuration),
    });
    await service.start();
    return service;
  },
};
