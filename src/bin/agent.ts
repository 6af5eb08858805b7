// The agent's process: agent.ts [--cmdline-file FILE] [--machine FILE]
//   --cmdline-file  where the kernel parameters are; /proc/cmdline by default
//   --machine       a simulated machine to believe in, in place of the hardware
// Exit status: 0 told to stop, 1 it cannot do its work, 2 it was called wrongly; on a simulated machine also those of
// machineExit, which ask for a reboot or to be switched off.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createLog } from '#agent/log.ts';
import { parseParameters } from '#agent/parameters.ts';
import { runAgent } from '#agent/run-agent.ts';
import { systemClock } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { machineExit } from '#protocol/machine-file.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('SIGINT', () => stop.abort());

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === null) return 2;
  let log = createLog((line) => process.stderr.write(`${line}\n`));
  let status = 0;
  try {
    const parameters = parseParameters(await readFile(options.commandLineFile, 'utf8'));
    log = createLog((line) => process.stderr.write(`${line}\n`), { debug: parameters.debug });
    const hardware =
      options.machineFile === null
        ? await loadLinux(parameters.bootInterface)
        : await loadMachine(
            options.machineFile,
            parameters.bootInterface,
            (how) => (status = machineExit[how]),
          );
    const end = await runAgent({ parameters, hardware, log, clock: systemClock, signal: stop.signal });
    if (end === 'reboot' || end === 'powerOff') await hardware.end(end);
    if (end === 'lockdown') await hardware.lockdown();
    if (end === 'lockdown' || end === 'rescue') await untilStopped();
    return status;
  } catch (error) {
    log.error('the agent gives up', error);
    return 1;
  }
}

function readOptions(args: string[]): { commandLineFile: string; machineFile: string | null } | null {
  try {
    const { values } = parseArgs({
      args,
      options: { 'cmdline-file': { type: 'string', default: '/proc/cmdline' }, machine: { type: 'string' } },
    });
    return { commandLineFile: values['cmdline-file'], machineFile: values.machine ?? null };
  } catch (error) {
    console.error(`${messageOf(error)}
usage: agent.ts [--cmdline-file FILE] [--machine FILE]`);
    return null;
  }
}

// Only one of the two is ever needed, and hundreds of agents may start at once.
async function loadLinux(bootInterface: string | null) {
  const { linuxHardware } = await import('#agent/linux-hardware.ts');
  return linuxHardware({ bootInterface });
}

async function loadMachine(
  path: string,
  bootInterface: string | null,
  end: (how: 'reboot' | 'powerOff') => void,
) {
  const { openMachineHardware } = await import('#agent/machine-hardware.ts');
  return openMachineHardware(path, bootInterface, end);
}

/** A locked down agent is silent but there, until its machine is switched off. */
async function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const alive = setInterval(() => {}, 2 ** 30);
  if (stop.signal.aborted) resolve();
  stop.signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearInterval(alive);
}
