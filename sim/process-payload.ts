// What a process machine runs: the real agent, as a process of its own on file-backed disks.
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineFile } from '#protocol/machine-file.ts';
import { watchForAgentDeath } from './agent-death.ts';
import type { Clock } from '#model/clock.ts';
import { ensureDiskFile, holdsPartitionTable } from './disk-file.ts';
import { BootFailure } from './errors.ts';
import { readBootParameters } from './firmware.ts';
import { disksOf, logOf, serialOf, type Machine, type MachineFiles } from './machine.ts';
import type { BootDevice, BootOutcome, Payload } from './power.ts';
import { spawnWithParent } from './spawn-with-parent.ts';

export interface ProcessPayloadOptions {
  clock: Clock;
  /** The agent's entry point, started with this process's own Node. */
  agentEntry: string;
  /** Where an agent's API listens: an address of this host that the conductor reaches. */
  agentHost: string;
  /** Added to the agent's environment, which is otherwise only PATH. */
  agentEnvironment: Readonly<Record<string, string>>;
  readWholeIso: boolean;
}

interface RunningAgent {
  child: ChildProcess;
  exited: Promise<void>;
  /** Why it is being ended, when the machine and not the agent itself wants that. */
  endedBecause: string | null;
  stopWatching: AbortController;
}

export class ProcessPayload implements Payload {
  readonly #options: ProcessPayloadOptions;
  readonly #agents = new Map<string, RunningAgent>();

  constructor(options: ProcessPayloadOptions) {
    this.#options = options;
  }

  async start(
    machine: Machine,
    device: BootDevice,
    signal: AbortSignal,
    onExit: (status: number | null) => void,
  ): Promise<BootOutcome> {
    try {
      switch (device.kind) {
        case 'network':
          return { kind: 'failed', reason: 'no network boot server answers' };
        case 'disk':
          return await this.#startFromDisk(machine);
        case 'iso':
          await this.#startFromIso(machine, device, signal, onExit);
          return { kind: 'started', state: 'agent' };
      }
    } catch (error) {
      if (!(error instanceof BootFailure)) throw error;
      const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
      return { kind: 'failed', reason: `${error.message}${cause}` };
    }
  }

  async kill(machine: Machine, because: string): Promise<void> {
    const agent = this.#agents.get(machine.uuid);
    if (!agent) return;
    agent.endedBecause ??= because;
    agent.child.kill('SIGKILL');
    await agent.exited;
  }

  async shutDown(machine: Machine, limitMs: number, signal: AbortSignal): Promise<void> {
    const agent = this.#agents.get(machine.uuid);
    // An operating system on the disk is not there to be run; it takes its time to go, and does go.
    if (!agent) return this.#options.clock.sleep(limitMs / 2, signal);
    const limit = new AbortController();
    agent.endedBecause ??= 'graceful shutdown';
    agent.child.kill('SIGTERM');
    const elapsed = this.#options.clock.sleep(limitMs, limit.signal).catch(() => undefined);
    await Promise.race([agent.exited, elapsed]);
    limit.abort();
    await this.kill(machine, 'graceful shutdown');
  }

  /** Kills the machine's agent as a crash of the machine's kernel would: nobody asked for it. */
  crashAgent(machine: Machine, reason: string): void {
    const agent = this.#agents.get(machine.uuid);
    if (!agent) return;
    logOf(machine).add(this.#options.clock.now(), { kind: 'fault', fault: 'agent-death', reason });
    agent.child.kill('SIGKILL');
  }

  /** Looks for a death that the machine's faults ask for. Called when one is set while an agent runs. */
  watch(machine: Machine): void {
    const agent = this.#agents.get(machine.uuid);
    if (!agent) return;
    agent.stopWatching.abort();
    agent.stopWatching = new AbortController();
    watchForAgentDeath(machine, this.#options.clock, agent.stopWatching.signal, (reason) =>
      this.crashAgent(machine, reason),
    );
  }

  async #startFromDisk(machine: Machine): Promise<BootOutcome> {
    const [disk] = machine.files?.disks ?? [];
    if (!disk) return { kind: 'failed', reason: 'the machine has no disk' };
    return (await holdsPartitionTable(disk.file))
      ? { kind: 'started', state: 'os' }
      : { kind: 'failed', reason: `${disk.name} has no partition table` };
  }

  async #startFromIso(
    machine: Machine,
    device: Extract<BootDevice, { kind: 'iso' }>,
    signal: AbortSignal,
    onExit: (status: number | null) => void,
  ): Promise<void> {
    const files = machine.files;
    if (!files) throw new BootFailure('The machine has no data folder.');
    const { parameters } = await readBootParameters(device.url, {
      verifyCertificate: device.verifyCertificate,
      readAll: this.#options.readWholeIso,
      signal,
    });
    const cmdlineFile = join(files.folder, 'cmdline');
    const machineFile = join(files.folder, 'machine.json');
    // The parameters carry the agent's token, so nobody else on the host may read them.
    await writeFile(cmdlineFile, `${parameters}\n`, { mode: 0o600 });
    await writeFile(machineFile, JSON.stringify(describe(machine, this.#options.agentHost), null, 2));
    signal.throwIfAborted();
    // From here on nothing waits, so that the start is on record before the exit can be.
    const child = this.#spawn(files, cmdlineFile, machineFile);
    this.#follow(machine, files, child, onExit);
    if (child.pid === undefined) throw new BootFailure('The agent could not be started.');
    files.agentPid = child.pid;
    writeFileSync(join(files.folder, 'agent.pid'), String(child.pid));
    logOf(machine).add(this.#options.clock.now(), {
      kind: 'agent-start',
      pid: child.pid,
      iso: device.url,
      parameters: withoutToken(parameters),
    });
    this.watch(machine);
  }

  #spawn(files: MachineFiles, cmdlineFile: string, machineFile: string): ChildProcess {
    const output = openSync(join(files.folder, 'agent.log'), 'a');
    try {
      const options = ['--cmdline-file', cmdlineFile, '--machine', machineFile];
      const node = ['--disable-warning=ExperimentalWarning', this.#options.agentEntry, ...options];
      return spawnWithParent(process.execPath, node, {
        cwd: files.folder,
        stdio: ['ignore', output, output],
        env: { PATH: process.env['PATH'], ...this.#options.agentEnvironment },
      });
    } finally {
      closeSync(output);
    }
  }

  #follow(
    machine: Machine,
    files: MachineFiles,
    child: ChildProcess,
    onExit: (status: number | null) => void,
  ): void {
    const { promise: exited, resolve } = Promise.withResolvers<void>();
    const agent: RunningAgent = {
      child,
      exited,
      endedBecause: null,
      stopWatching: new AbortController(),
    };
    this.#agents.set(machine.uuid, agent);
    child.on('exit', (status, signal) => {
      agent.stopWatching.abort();
      this.#agents.delete(machine.uuid);
      files.agentPid = null;
      logOf(machine).add(this.#options.clock.now(), {
        kind: 'agent-exit',
        pid: child.pid ?? 0,
        status,
        signal,
        because: agent.endedBecause,
      });
      resolve();
      if (agent.endedBecause === null) onExit(status);
    });
    child.on('error', () => {
      this.#agents.delete(machine.uuid);
      resolve();
    });
  }
}

/** Ensures the machine's folder and disk files, and that no agent of an earlier sim that was killed writes to them. */
export async function prepareFiles(machine: Machine, dataFolder: string): Promise<MachineFiles> {
  const folder = join(dataFolder, 'machines', machine.name);
  await mkdir(folder, { recursive: true });
  await endOrphan(folder);
  const disks = disksOf(machine).map((disk) => ({
    ...disk,
    file: join(folder, `${disk.name.replace('/dev/', '')}.img`),
  }));
  for (const disk of disks) await ensureDiskFile(disk.file, disk.sizeBytes);
  return { folder, disks, agentPid: null };
}

async function endOrphan(folder: string): Promise<void> {
  const pidFile = join(folder, 'agent.pid');
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  // The number may belong to another program by now: only the one that was started for this folder is ended.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (commandLine.split('\0').includes(join(folder, 'machine.json'))) process.kill(pid, 'SIGKILL');
  await rm(pidFile, { force: true });
}

function describe(machine: Machine, agentHost: string): MachineFile {
  const { hardware } = machine;
  return {
    uuid: machine.uuid,
    hostname: machine.name,
    listen: { host: agentHost, port: 0 },
    interfaces: machine.macs.map((mac, index) => ({
      name: `eth${index}`,
      mac_address: mac,
      ipv4_address: index === 0 ? agentHost : null,
      speed_mbps: 10_000,
      pci_address: `0000:0${index + 1}:00.0`,
    })),
    disks: (machine.files?.disks ?? []).map(({ sizeBytes: _sizeBytes, ...disk }) => disk),
    cpu: {
      model_name: hardware.cpuModel,
      count: hardware.cpus,
      architecture: hardware.architecture,
      frequency: '2400.0000',
      flags: ['fpu', 'vme', 'de', 'pse', 'tsc', 'msr', 'pae', 'lm'],
    },
    memory: { total: hardware.memoryMiB * 1024 * 1024, physical_mb: hardware.memoryMiB },
    system_vendor: {
      product_name: hardware.model,
      serial_number: serialOf(machine),
      manufacturer: hardware.manufacturer,
    },
    boot: {
      current_boot_mode: machine.bootOverride.mode === 'UEFI' ? 'uefi' : 'bios',
      pxe_interface: machine.macs[0] ?? null,
    },
    bmc_address: URL.parse(machine.bmcAddress)?.hostname ?? null,
  };
}

/** The log is read by people and tests; the agent's token is for the agent only. */
function withoutToken(parameters: string): string {
  return parameters.replaceAll(/(token=)\S+/g, '$1***');
}
