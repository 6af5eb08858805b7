// The data centre: machines behind emulated BMCs, with a control API to make them and to make them fail.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checkpoints } from './checkpoints.ts';
import { systemClock, type Clock } from '#model/clock.ts';
import { startControlApi } from './control-api.ts';
import { MachineExists, UnknownMachine } from './errors.ts';
import type { Fault } from './faults.ts';
import { startImageServer, type ImageServer } from './image-server.ts';
import type { LogEntry } from './machine-log.ts';
import {
  defaultHardware,
  disksOf,
  logOf,
  makeMachine,
  propertiesOf,
  type BootState,
  type DiskSpec,
  type Hardware,
  type Machine,
  type MachineKind,
  type PowerState,
  type SimDisk,
  defaultDisk,
} from './machine.ts';
import { defaultTimings, memoryPayload, PowerControl, type Timings } from './power.ts';
import { prepareFiles, ProcessPayload } from './process-payload.ts';
import { startRedfishService, type RedfishService } from './redfish/service.ts';
import { defaultSessionLimits, type Credentials, type SessionLimits } from './redfish/sessions.ts';
import { selfSignedCertificate } from './self-signed.ts';

export interface SimOptions {
  /** How many machines to begin with. */
  machines?: number;
  /** Their kind, and that of machines created without one. */
  kind?: MachineKind;
  /** `each`: a port per BMC. `shared`: one port, the systems told apart by their path. */
  bmcs?: 'each' | 'shared';
  host?: string;
  /** Of the control API; 0 takes a free one. */
  port?: number;
  /** Of the shared BMC, or of the first machine's, the others following it; 0 takes free ones. */
  bmcPort?: number;
  /** TLS for the BMCs, with that certificate or with one they sign themselves. */
  tls?: { cert: string; key: string } | 'self-signed';
  credentials?: Credentials;
  sessionLimits?: Partial<SessionLimits>;
  /** Where process machines keep disks and logs. Absent: a temporary folder that is removed at the end. */
  dataFolder?: string;
  /** What a process machine runs. */
  agentEntry?: string;
  agentHost?: string;
  agentEnvironment?: Readonly<Record<string, string>>;
  /** Read every byte of kernel and ramdisk at boot, as a machine does. */
  readWholeIso?: boolean;
  /** Serve the files of this folder over HTTP. */
  imagesFolder?: string;
  /** Of that server; 0 takes a free one. */
  imagesPort?: number;
  timings?: Partial<Timings>;
  /** Multiplies every timing: 0.1 is ten times as fast. */
  timeScale?: number;
  /** Whether BMCs tell PoweringOn and PoweringOff. */
  tellsTransitions?: boolean;
  /** The same seed makes the same UUIDs and MAC addresses. */
  seed?: string;
  clock?: Clock;
}

export interface MachineSpec {
  kind?: MachineKind;
  name?: string;
  uuid?: string;
  macs?: readonly string[];
  hardware?: Partial<Omit<Hardware, 'disks'>>;
  disks?: readonly Partial<DiskSpec>[];
}

/** A machine as it is told to the outside: what to enrol it with, and how it is. */
export interface MachineView {
  name: string;
  uuid: string;
  kind: MachineKind;
  driver_info: {
    redfish_address: string;
    redfish_system_id: string;
    redfish_username: string;
    redfish_password: string;
  };
  macs: readonly string[];
  properties: { cpus: number; memory_mb: number; local_gb: number; cpu_arch: string };
  power_state: PowerState;
  boot_state: BootState;
  agent_pid: number | null;
  agent_log: string | null;
  disks: SimDisk[];
}

export interface Sim extends AsyncDisposable {
  /** Of the control API, without a path. */
  readonly url: string;
  readonly checkpoints: Checkpoints;
  /** Where the shared BMC listens; null when each machine has its own. */
  readonly bmcAddress: string | null;
  /** The image server; null when no folder was given. */
  readonly images: ImageServer | null;
  /** Throws MachineExists when the name or UUID is taken. */
  createMachine(spec?: MachineSpec): Promise<MachineView>;
  /** Cuts its power and removes it with its files. Throws UnknownMachine. */
  deleteMachine(id: string): Promise<void>;
  /** By name or UUID, as the functions below. Throws UnknownMachine. */
  machine(id: string): MachineView;
  list(): MachineView[];
  /** A fault has a name; setting one of the same name replaces it. */
  setFault(id: string, fault: Fault, name?: string): void;
  /** Without a name: all of them. */
  clearFault(id: string, name?: string): void;
  faults(id: string): Record<string, Fault>;
  /** The BMC's record, oldest first. */
  log(id: string): readonly LogEntry[];
  /** The first entry of the record, past or to come, that is accepted. */
  waitFor(id: string, accepts: (entry: LogEntry) => boolean, signal: AbortSignal): Promise<LogEntry>;
  /** Ends every process it started and gives back every port. May be repeated. */
  close(): Promise<void>;
}

const productAgent = join(import.meta.dirname, '..', 'src', 'bin', 'agent.ts');

/** Starts the data centre with the machines asked for. Rejects when a port cannot be had. */
export async function startSim(options: SimOptions = {}): Promise<Sim> {
  const sim = new DataCentre(options);
  try {
    await sim.open();
    return sim;
  } catch (error) {
    await sim.close();
    throw error;
  }
}

class DataCentre implements Sim {
  readonly #options: SimOptions;
  readonly #clock: Clock;
  readonly #credentials: Credentials;
  readonly #seed: string;
  readonly #host: string;
  readonly #power: PowerControl;
  readonly #processes: ProcessPayload;
  readonly #byUuid = new Map<string, Machine>();
  readonly #byName = new Map<string, Machine>();
  /** By machine when each has its own. */
  readonly #services = new Map<string, RedfishService>();
  readonly checkpoints: Checkpoints;
  #shared: RedfishService | undefined;
  images: ImageServer | null = null;
  readonly #tls: { cert: string; key: string } | undefined;
  #control: (AsyncDisposable & { address: string }) | undefined;
  #temporaryFolder: Promise<string> | undefined;
  #nextIndex = 0;
  #closed: Promise<void> | undefined;

  constructor(options: SimOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#credentials = options.credentials ?? { username: 'admin', password: 'password' };
    this.#seed = options.seed ?? 'ingot';
    this.#host = options.host ?? '127.0.0.1';
    this.#tls =
      options.tls === 'self-signed'
        ? selfSignedCertificate({ address: this.#host, now: this.#clock.now() })
        : options.tls;
    this.checkpoints = new Checkpoints(() => this.#clock.now());
    this.#processes = new ProcessPayload({
      clock: this.#clock,
      agentEntry: options.agentEntry ?? productAgent,
      agentHost: options.agentHost ?? '127.0.0.1',
      agentEnvironment: options.agentEnvironment ?? {},
      readWholeIso: options.readWholeIso ?? false,
    });
    this.#power = new PowerControl({
      clock: this.#clock,
      timings: scaled({ ...defaultTimings, ...options.timings }, options.timeScale ?? 1),
      payloads: { memory: memoryPayload(this.#clock), process: this.#processes },
    });
  }

  async open(): Promise<void> {
    const { port = 0, bmcs = 'each', bmcPort = 0, machines = 0 } = this.#options;
    const { imagesFolder: folder, imagesPort = 0 } = this.#options;
    const host = this.#host;
    if (folder !== undefined)
      this.images = await startImageServer({ folder, host, port: imagesPort, clock: this.#clock });
    if (bmcs === 'shared') this.#shared = await this.#startService(`${this.#seed}/shared`, bmcPort);
    this.#control = await startControlApi(this, { host, port });
    for (let count = 0; count < machines; count += 1) await this.#create({});
  }

  get url(): string {
    return this.#control?.address ?? '';
  }

  get bmcAddress(): string | null {
    return this.#shared?.address ?? null;
  }

  async createMachine(spec: MachineSpec = {}): Promise<MachineView> {
    return this.#view(await this.#create(spec));
  }

  async deleteMachine(id: string): Promise<void> {
    const machine = this.#find(id);
    this.#byUuid.delete(machine.uuid);
    this.#byName.delete(machine.name);
    this.#shared?.remove(machine);
    await this.#services.get(machine.uuid)?.[Symbol.asyncDispose]();
    this.#services.delete(machine.uuid);
    await this.#power.unplug(machine);
    if (machine.files) await rm(machine.files.folder, { recursive: true, force: true });
  }

  machine(id: string): MachineView {
    return this.#view(this.#find(id));
  }

  list(): MachineView[] {
    return this.#byUuid
      .values()
      .map((machine) => this.#view(machine))
      .toArray();
  }

  setFault(id: string, fault: Fault, name: string = fault.kind): void {
    const machine = this.#find(id);
    machine.faults ??= new Map();
    machine.faults.set(name, fault);
    if (fault.kind === 'agent-death') this.#processes.watch(machine);
  }

  clearFault(id: string, name?: string): void {
    const machine = this.#find(id);
    if (name !== undefined) machine.faults?.delete(name);
    if (name === undefined || machine.faults?.size === 0) machine.faults = null;
    this.#processes.watch(machine);
  }

  faults(id: string): Record<string, Fault> {
    return Object.fromEntries(this.#find(id).faults ?? []);
  }

  log(id: string): readonly LogEntry[] {
    return this.#find(id).log?.entries ?? [];
  }

  waitFor(id: string, accepts: (entry: LogEntry) => boolean, signal: AbortSignal): Promise<LogEntry> {
    return logOf(this.#find(id)).waitFor(accepts, signal);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // Who may ask for something goes first, then what was asked for.
    await this.#control?.[Symbol.asyncDispose]();
    await this.#shared?.[Symbol.asyncDispose]();
    await this.images?.close();
    await Promise.all(this.#services.values().map((service) => service[Symbol.asyncDispose]()));
    await Promise.all(this.#byUuid.values().map((machine) => this.#power.unplug(machine)));
    await this.#power.settle();
    if (this.#temporaryFolder) await rm(await this.#temporaryFolder, { recursive: true, force: true });
  }

  async #create(spec: MachineSpec): Promise<Machine> {
    const machine = makeMachine({
      index: this.#nextIndex,
      seed: this.#seed,
      kind: spec.kind ?? this.#options.kind ?? 'memory',
      name: spec.name,
      uuid: spec.uuid?.toLowerCase(),
      macs: spec.macs,
      hardware: hardwareOf(spec),
    });
    if (this.#byName.has(machine.name)) throw new MachineExists(`the name ${machine.name}`);
    if (this.#byUuid.has(machine.uuid)) throw new MachineExists(`the UUID ${machine.uuid}`);
    this.#nextIndex += 1;
    this.#byUuid.set(machine.uuid, machine);
    this.#byName.set(machine.name, machine);
    try {
      if (machine.kind === 'process') machine.files = await prepareFiles(machine, await this.#dataFolder());
      const service = this.#shared ?? (await this.#startOwnService(machine));
      machine.bmcAddress = service.address;
      service.add(machine);
    } catch (error) {
      this.#byUuid.delete(machine.uuid);
      this.#byName.delete(machine.name);
      throw error;
    }
    return machine;
  }

  async #startOwnService(machine: Machine): Promise<RedfishService> {
    const { bmcPort = 0 } = this.#options;
    const service = await this.#startService(machine.uuid, bmcPort === 0 ? 0 : bmcPort + machine.index);
    this.#services.set(machine.uuid, service);
    return service;
  }

  #startService(uuid: string, port: number): Promise<RedfishService> {
    return startRedfishService({
      uuid,
      host: this.#host,
      port,
      tls: this.#tls,
      clock: this.#clock,
      power: this.#power,
      credentials: this.#credentials,
      sessionLimits: { ...defaultSessionLimits, ...this.#options.sessionLimits },
      tellsTransitions: this.#options.tellsTransitions ?? false,
    });
  }

  #dataFolder(): Promise<string> {
    if (this.#options.dataFolder !== undefined) return Promise.resolve(this.#options.dataFolder);
    this.#temporaryFolder ??= mkdtemp(join(tmpdir(), 'ingot-sim-'));
    return this.#temporaryFolder;
  }

  #find(id: string): Machine {
    const machine = this.#byUuid.get(id.toLowerCase()) ?? this.#byName.get(id);
    if (!machine) throw new UnknownMachine(id);
    return machine;
  }

  #view(machine: Machine): MachineView {
    return {
      name: machine.name,
      uuid: machine.uuid,
      kind: machine.kind,
      driver_info: {
        redfish_address: machine.bmcAddress,
        redfish_system_id: `/redfish/v1/Systems/${machine.uuid}`,
        redfish_username: this.#credentials.username,
        redfish_password: this.#credentials.password,
      },
      macs: machine.macs,
      properties: propertiesOf(machine),
      power_state: machine.power,
      boot_state: machine.boot,
      agent_pid: machine.files?.agentPid ?? null,
      agent_log: machine.files ? join(machine.files.folder, 'agent.log') : null,
      disks: disksOf(machine),
    };
  }
}

function hardwareOf({ hardware, disks }: MachineSpec): Hardware | undefined {
  if (!hardware && !disks) return undefined;
  return {
    ...defaultHardware,
    ...hardware,
    disks: disks?.map((disk) => ({ ...defaultDisk, ...disk })) ?? defaultHardware.disks,
  };
}

function scaled(timings: Timings, by: number): Timings {
  return {
    powerOnMs: timings.powerOnMs * by,
    powerOffMs: timings.powerOffMs * by,
    postMs: timings.postMs * by,
    gracefulMs: timings.gracefulMs * by,
  };
}
