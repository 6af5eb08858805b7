// npm run demo: machines from bare BMC to running image and back, on this host, live in the terminal.
// Exit status: 0 all that it shows is true, 1 something is not, 2 it was called wrongly, 130 it was interrupted.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DemoFailure } from './failure.ts';
import { BadOptions, readOptions, usage } from './options.ts';
import { type DemoRun, removeFolder, runDemo } from './run-demo.ts';
import { createView } from './view.ts';

/** Far more than it takes, so that it can never hang. */
const limitSeconds = (machines: number): number => 240 + 20 * machines;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const options = read(args);
  if (options === null) return 2;
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const interrupted = new AbortController();
  // Asked more than once it goes on cleaning up: the terminal tells all its processes, and so does npm.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort(new DemoFailure('Interrupted.')));
  const tooLong = new AbortController();
  const seconds = limitSeconds(options.machines);
  const limit = setTimeout(
    () => tooLong.abort(new DemoFailure(`The demo was not done after ${seconds} seconds and was ended.`)),
    seconds * 1000,
  );
  const view = createView(options);
  const folder = await mkdtemp(join(tmpdir(), 'ingot-demo-'));
  let keepsFolder = false;
  await using resources = new AsyncDisposableStack();
  resources.defer(async () => {
    if (!keepsFolder) await removeFolder(folder);
  });
  const signal = AbortSignal.any([interrupted.signal, tooLong.signal]);
  const run = await runDemo({ options, view, folder, resources, signal });
  clearTimeout(limit);
  if (interrupted.signal.aborted) {
    view.settle();
    process.stderr.write('Interrupted: what ran is ended, and its files are removed.\n');
    return 130;
  }
  keepsFolder = !run.result.ok;
  if (!keepsFolder && !options.keep) run.result.folder = null;
  view.end(run.result);
  if (!run.result.ok) return 1;
  view.say(`\nAll of it is true, in ${run.result.seconds.toFixed(1)} seconds.`);
  if (!options.keep || !run.running) return 0;
  view.say(keptText(run.running, folder));
  await aborted(interrupted.signal);
  view.say('\nWhat ran is ended, and its files are removed.');
  return 0;
}

function read(args: string[]): ReturnType<typeof readOptions> | null {
  try {
    return readOptions(args);
  } catch (error) {
    if (!(error instanceof BadOptions)) throw error;
    process.stderr.write(`demo: ${error.message}\n`);
    return null;
  }
}

function keptText({ service, sim }: NonNullable<DemoRun['running']>, folder: string): string {
  return `
Everything goes on until Ctrl-C:
  API        ${service.url}
  simulator  ${sim.url}/sim/v1/machines
  images     ${sim.images?.url}
  files      ${folder} (disks, logs)

  openstack --os-auth-type none \\
    --os-endpoint ${service.url} baremetal node list`;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
