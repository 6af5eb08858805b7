// A whole control plane with its machines and its users, in one process, in virtual time, from one seed.
import type { ApiParts } from '#api/parts.ts';
import type { GivenParts } from '#conductor/parts.ts';
import { loadSettings, type Settings, type SettingsOverrides } from '#config/settings.ts';
import { Ring } from '#db/ring.ts';
import { createAgentPackage } from '#drivers/agent/package.ts';
import { noopPackage } from '#drivers/noop/package.ts';
import { createDriverRegistry } from '#drivers/registry.ts';
import type { Log } from '#drivers/task.ts';
import { messageOf } from '#model/message.ts';
import { Chaos } from './chaos.ts';
import type { Guard } from './guards.ts';
import { EventFollower } from './event-follower.ts';
import { Judge } from './judge.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import { Operators } from './operators.ts';
import type { Party } from './party.ts';
import { SeededRandom } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { withoutReadBack } from './read-back.ts';
import { type ApiRequest, type Reply, SimulatedApi } from './simulated-api.ts';
import { SimulatedConductor } from './simulated-conductor.ts';
import { simulatedDrivers } from './simulated-drivers.ts';
import { SimulatedStore } from './simulated-store.ts';
import { Wires } from './simulated-wires.ts';
import { exchangeWithAgents, type MachineWires, wiresToBmcs } from './machine-wires.ts';
import { Trace } from './trace.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly conductors: number;
  readonly machines: number;
  readonly without: ReadonlySet<Guard>;
  /** Hears every line of the trace. */
  readonly tell?: (line: string) => void;
}

const start = Date.parse('2026-01-01T00:00:00Z');
const apis = 2;
/** So many deployments may be at work, and cleanings: few enough for others to wait for their turn. */
const limits = { deploy: 4, clean: 6 } as const;
/** Clocks of hosts differ by up to so much, either way. */
const skewMilliseconds = 1500;
/** How often something is asked of each node, and how often something goes wrong somewhere. */
const meanMinutesBetweenRequests = 40;
const meanSecondsBetweenMisfortunes = 60;
/** An API that does not answer is given up after so long. */
const requestMilliseconds = 70_000;

const overrides: SettingsOverrides = {
  DEFAULT: {
    enabled_hardware_types: ['simulated'],
    enabled_bios_interfaces: ['no-bios'],
    enabled_boot_interfaces: ['simulated'],
    enabled_console_interfaces: ['no-console'],
    enabled_deploy_interfaces: ['direct'],
    enabled_firmware_interfaces: ['no-firmware'],
    enabled_inspect_interfaces: ['agent', 'no-inspect'],
    enabled_management_interfaces: ['simulated'],
    enabled_network_interfaces: ['noop'],
    enabled_power_interfaces: ['simulated'],
    enabled_raid_interfaces: ['no-raid'],
    enabled_rescue_interfaces: ['simulated', 'no-rescue'],
    enabled_storage_interfaces: ['noop'],
    enabled_vendor_interfaces: ['no-vendor'],
    default_inspect_interface: 'agent',
    default_rescue_interface: 'simulated',
  },
  // Looks at what the agent does are most of all commits; rarer ones leave more hours for each second.
  agent: { require_tls: false, command_wait_interval: 30 },
  conductor: {
    max_concurrent_deploy: limits.deploy,
    max_concurrent_clean: limits.clean,
    sync_power_state_interval: 300,
  },
  deploy: { erase_devices_priority: 10 },
};

export class World implements AsyncDisposable {
  readonly scheduler = new Scheduler(start);
  readonly trace: Trace;
  readonly judge: Judge;
  readonly conductors: readonly SimulatedConductor[];
  readonly machines: readonly Machine[];
  readonly operators: Operators;
  readonly follower: EventFollower;
  readonly chaos: Chaos;
  readonly #options: WorldOptions;
  readonly #settings: Settings;
  readonly #network: Network;
  readonly #store: SimulatedStore;
  readonly #wires: Wires;
  readonly #machineWires: MachineWires;
  readonly #apis: readonly SimulatedApi[];
  readonly #api: SeededRandom;
  readonly #tell = (who: string, what: string): void => this.trace.line(who, what);

  private constructor(options: WorldOptions, scheduler: Scheduler, network: Network, store: SimulatedStore) {
    this.#options = options;
    this.scheduler = scheduler;
    this.#network = network;
    this.#store = store;
    this.#settings = loadSettings(undefined, overrides).settings;
    this.#api = this.#chance('which API');
    this.trace = new Trace(() => scheduler.now, options.tell);
    this.judge = new Judge({
      look: store.look,
      now: () => scheduler.now,
      commits: () => store.commits,
      machineOf: (node) => this.operators.machineOf(node),
      deployLimit: limits.deploy,
    });
    this.#wires = new Wires(scheduler, network, this.#chance('wires'));
    this.machines = this.#makeMachines();
    this.#machineWires = this.#wireMachines();
    this.conductors = this.#makeConductors();
    this.#apis = this.#makeApis();
    this.follower = new EventFollower(scheduler, (party) => store.of(party), this.judge);
    this.operators = this.#makeOperators();
    this.chaos = this.#makeChaos();
  }

  static async make(options: WorldOptions): Promise<World> {
    const scheduler = new Scheduler(start);
    const network = new Network(scheduler, new SeededRandom(options.seed, 'network'));
    const random = new SeededRandom(options.seed, 'store');
    const store = await SimulatedStore.open({ scheduler, network, random, without: options.without });
    const world = new World(options, scheduler, network, store);
    for (const api of world.#apis) await api.start();
    for (const conductor of world.conductors) conductor.start();
    return world;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const conductor of this.conductors) conductor.party?.die();
    for (const api of this.#apis) api.kill();
    await this.#store[Symbol.asyncDispose]();
  }

  /** Lets so much time pass, and looks after each thing that happens; ends early when a promise is broken. */
  async pass(milliseconds: number): Promise<void> {
    await this.scheduler.runUntil(this.scheduler.now + milliseconds, () => {
      this.judge.lookAtCommits();
      return this.judge.violation !== undefined;
    });
  }

  /** A request to any API; undefined when no answer came. */
  async request(from: string, request: ApiRequest): Promise<Reply | undefined> {
    const up = this.#apis.filter(({ isUp }) => isUp);
    if (up.length === 0) return undefined;
    const api = this.#api.pick(up);
    await this.#network.travel();
    const limit = Promise.withResolvers<undefined>();
    const timer = this.scheduler.after(requestMilliseconds, () => limit.resolve(undefined));
    try {
      const isCut = this.#network.isCut(from, api.name) || !api.isUp;
      const reply = await Promise.race([limit.promise, ...(isCut ? [] : [api.answer(request)])]);
      await this.#network.travel();
      return this.#network.isCut(from, api.name) ? undefined : reply;
    } finally {
      timer.cancel();
    }
  }

  /** Luck of its own for each part, so that one that draws more often changes no other's. */
  #chance(of: string): SeededRandom {
    return new SeededRandom(this.#options.seed, of);
  }

  #makeMachines(): Machine[] {
    const surroundings = {
      scheduler: this.scheduler,
      random: this.#chance('machines'),
      trace: this.#tell,
      request: async (machine: Machine, method: string, url: string, body?: unknown) =>
        await this.request(machine.name, { method, url, body }),
      ranOnce: (machine: Machine, operation: string, step: string) =>
        this.judge.ranOnce(machine.name, operation, step),
      heartbeatsStray: () => !this.chaos.isOver,
    };
    const count = this.#options.machines;
    return Array.from({ length: count }, (_none, index) => new Machine(surroundings, index));
  }

  #wireMachines(): MachineWires {
    const byName = new Map(this.machines.map((machine) => [machine.name, machine]));
    return {
      scheduler: this.scheduler,
      network: this.#network,
      random: this.#chance('BMCs'),
      judge: this.judge,
      trace: this.#tell,
      machineOf: (name) => byName.get(name),
      nodeOf: (machine) => this.operators.nodeOf(machine),
      answersGetLost: () => !this.chaos.isOver,
    };
  }

  #makeConductors(): SimulatedConductor[] {
    const skew = this.#chance('clocks');
    const world = {
      scheduler: this.scheduler,
      wires: this.#wires,
      trace: this.#tell,
      partsOf: (party: Party) => this.#conductorParts(party),
    };
    return Array.from({ length: this.#options.conductors }, (_none, index) => {
      const milliseconds = Math.round(skew.between(-skewMilliseconds, skewMilliseconds));
      return new SimulatedConductor(world, `conductor-${index + 1}`, milliseconds);
    });
  }

  #makeApis(): SimulatedApi[] {
    const world = {
      scheduler: this.scheduler,
      partsOf: (party: Party) => this.#apiParts(party),
      onEnd: (party: Party) => this.#wires.forget(party),
    };
    return Array.from({ length: apis }, (_none, index) => new SimulatedApi(`api-${index + 1}`, world));
  }

  #makeOperators(): Operators {
    const world = {
      scheduler: this.scheduler,
      random: this.#chance('operators'),
      look: this.#store.look,
      judge: this.judge,
      machines: this.machines,
      trace: this.#tell,
      request: async (from: string, request: ApiRequest) => await this.request(from, request),
    };
    return new Operators(world, meanMinutesBetweenRequests);
  }

  #makeChaos(): Chaos {
    const world = {
      scheduler: this.scheduler,
      random: this.#chance('chaos'),
      network: this.#network,
      wires: this.#wires,
      store: this.#store,
      losesCommits: this.#options.without.has('commit-before-tell'),
      conductors: this.conductors,
      apis: this.#apis,
      machines: this.machines,
      trace: this.#tell,
      remember: () => this.judge.remember(),
    };
    return new Chaos(world, meanSecondsBetweenMisfortunes);
  }

  #conductorParts(party: Party): GivenParts {
    const random = new SeededRandom(this.#options.seed, `${party.name} at ${this.scheduler.now}`);
    const store = this.#store.of(party);
    const drivers = simulatedDrivers(wiresToBmcs(this.#machineWires, party));
    const packages = [drivers, createAgentPackage(), noopPackage];
    const resumes = this.#options.without.has('read-back') ? packages.map(withoutReadBack) : packages;
    return {
      hostname: party.name,
      isAlone: false,
      settings: this.#settings,
      store,
      ring: this.#ringOf(party),
      signals: this.#wires.signalsOf(party),
      registry: createDriverRegistry(this.#settings, resumes),
      clock: party.clock,
      random,
      log: this.#logOf(party),
      agentExchange: exchangeWithAgents(this.#machineWires, party),
      checkpoint: async () => {},
    };
  }

  #apiParts(party: Party): ApiParts {
    return {
      settings: this.#settings,
      store: this.#store.of(party),
      conductors: this.#wires.clientOf(party),
      ring: this.#ringOf(party),
      signals: this.#wires.signalsOf(party),
      clock: party.clock,
      random: new SeededRandom(this.#options.seed, `${party.name} at ${this.scheduler.now}`),
      // As pino's, of which no more is called.
      log: this.#logOf(party) as unknown as ApiParts['log'],
    };
  }

  #ringOf(party: Party): Ring {
    const { hash_partition_exponent, hash_ring_algorithm, hash_ring_reset_interval } = this.#settings.DEFAULT;
    const { heartbeat_timeout } = this.#settings.conductor;
    const settings = {
      partitionExponent: hash_partition_exponent,
      algorithm: hash_ring_algorithm,
      resetIntervalSeconds: hash_ring_reset_interval,
      heartbeatTimeoutSeconds: heartbeat_timeout,
    };
    return new Ring(this.#store.of(party).read, settings, party.clock);
  }

  #logOf(party: Party): Log {
    const tell =
      (level: string) =>
      (fields: object, message: string): void => {
        const given = typeof fields === 'string' ? { fields } : fields;
        this.judge.hears(given, message);
        if (level === 'debug') return;
        const error: unknown = Reflect.get(given, 'err');
        const node: unknown = Reflect.get(given, 'node');
        const of = typeof node === 'string' ? ` ${node}` : '';
        const why = error === undefined ? '' : `: ${messageOf(error)}`;
        this.trace.line(party.name, `${level}${of} ${message}${why}`);
      };
    return { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  }
}
