// Conductors on a store of their own, in virtual time, that can be killed at any place.
import type { Settings, SettingsOverrides } from '#config/settings.ts';
import { type Conductor, startConductor } from '../conductor.ts';
import type { GivenParts } from '../parts.ts';
import { readNode } from '#db/nodes.ts';
import { readOpenOperation, readOperations } from '#db/operations.ts';
import { Ring } from '#db/ring.ts';
import type { Store } from '#db/store.ts';
import { openTestStore } from '#db/testing/databases.ts';
import { watchedStore } from '#db/testing/watched-store.ts';
import { createDriverRegistry } from '#drivers/registry.ts';
import { someSettings, testPackages } from '#drivers/testing/a-task.ts';
import type { Clock } from '#model/clock.ts';
import { TemporaryFailure } from '#model/faults.ts';
import type { NewNode, NodeRecord } from '#model/node-record.ts';
import { isWaiting } from '#model/provision-states.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';
import type { ConductorCallName, ConductorCalls, RequestContext } from '#protocol/rpc.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import { agentToken, ScriptedDriver } from './scripted-driver.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import { VirtualClock } from './virtual-clock.ts';

const aContext: RequestContext = { requestId: 'req-test', userId: null };

/** Periodic tasks are off, so that time passes without them, except for those a test turns on. */
const quiet: SettingsOverrides['conductor'] = {
  heartbeat_timeout: 315_576_000,
  heartbeat_interval: 10_000_000,
  check_provision_state_interval: 0,
  sync_power_state_interval: 0,
  power_failure_recovery_interval: 0,
  sync_local_state_interval: 0,
};

export interface TestConductor extends GivenParts {
  call<Name extends ConductorCallName>(
    name: Name,
    args: ConductorCalls[Name]['args'],
    context?: RequestContext,
  ): Promise<ConductorCalls[Name]['result']>;
  stop(): Promise<void>;
  readonly lost: Conductor['lost'];
  /** From now on nothing it began goes on: as after SIGKILL. */
  kill(): void;
}

export type OnCheckpoint = (name: string, node: string, kill: () => Promise<never>) => Promise<void>;

interface ConductorOptions {
  hostname?: string;
  isAlone?: boolean;
  settings?: SettingsOverrides;
  checkpoint?: OnCheckpoint;
  tracer?: Tracer;
  /** By so much its clock is behind the others'. */
  behindMilliseconds?: number;
}

/** A process that can be killed at any await: what it began never comes back to it. */
class Life {
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Never answers. */
  async end(): Promise<never> {
    this.#isOver = true;
    return await new Promise<never>(() => {});
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOver) return await this.end();
    const result = await work();
    return this.#isOver ? await this.end() : result;
  }
}

/** A store of its own, a scripted driver, and the conductors that work on them. */
export class Ground implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly driver = new ScriptedDriver();
  readonly signals = new InProcessSignals();
  readonly store: Store;
  readonly logged: { level: string; message: string; fields: object }[] = [];
  readonly #started: TestConductor[] = [];
  #uuids = 0;
  #failingCommits = 0;

  private constructor(store: Store) {
    this.store = watchedStore(store, async (call) => await this.clock.during(call));
  }

  static async make(): Promise<Ground> {
    return new Ground(await openTestStore());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const conductor of this.#started) conductor.kill();
    await this.clock.settle();
    await this.store[Symbol.asyncDispose]();
  }

  async conductor(options: ConductorOptions = {}): Promise<TestConductor> {
    const { hostname = 'conductor-1' } = options;
    const hadEarlierLife = this.#started.some((one) => one.hostname === hostname);
    // As where an earlier life is known to be over: its time to show itself need not pass.
    const { isAlone = hadEarlierLife && this.#started.every((one) => one.hostname === hostname) } = options;
    const life = new Life();
    const parts = this.#partsOf(life, hostname, isAlone, options);
    const starting = startConductor(parts);
    const mayWait = !isAlone && hadEarlierLife;
    const conductor = await (mayWait ? this.clock.untilSettled(starting) : starting);
    const started: TestConductor = {
      ...parts,
      call: async (name, args, context = aContext) => {
        if (life.isOver) throw new Error('The conductor was killed');
        return await conductor.handlers[name](args, context);
      },
      lost: conductor.lost,
      stop: async () => {
        if (!life.isOver) await this.clock.untilSettled(conductor.stop());
      },
      kill: () => void life.end(),
    };
    this.#started.push(started);
    return started;
  }

  #partsOf(life: Life, hostname: string, isAlone: boolean, options: ConductorOptions): GivenParts {
    const { checkpoint = async () => {}, behindMilliseconds = 0, tracer } = options;
    const settings = settingsWith(options.settings);
    const clock: Clock = {
      now: () => this.clock.now() - behindMilliseconds,
      sleep: async (milliseconds, signal) =>
        await life.during(async () => await this.clock.sleep(milliseconds, signal)),
    };
    const store = this.#storeDuring(life);
    const { heartbeat_timeout: heartbeatTimeoutSeconds } = settings.conductor;
    const tell = (level: string) => (fields: object, message: string) => {
      this.logged.push({ level, message, fields });
    };
    return {
      ...(tracer && { tracer }),
      hostname,
      isAlone,
      settings,
      store,
      ring: new Ring(store.read, { ...ringSettings, heartbeatTimeoutSeconds }, clock),
      signals: this.signals,
      registry: createDriverRegistry(settings, [...testPackages, this.driver.package()]),
      clock,
      random: { uuid: () => this.#nextUuid(), fraction: () => 0 },
      log: { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') },
      checkpoint: async (name, node) =>
        await life.during(async () => await checkpoint(name, node, async () => await life.end())),
    };
  }

  #storeDuring(life: Life): Store {
    return {
      read: this.store.read,
      write: async (change) =>
        await life.during(async () => {
          this.#failingCommits -= 1;
          if (this.#failingCommits >= 0) throw new TemporaryFailure('The disk is full');
          return await this.store.write(change);
        }),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  /** Stores a node of the scripted driver and gives its UUID. */
  async node(conductor: TestConductor, node: Partial<NewNode> = {}): Promise<string> {
    const scripted = {
      power_interface: 'scripted',
      boot_interface: 'scripted',
      deploy_interface: 'scripted',
      inspect_interface: 'scripted',
      rescue_interface: 'scripted',
    };
    const { uuid } = await conductor.call('create_node', {
      node: {
        uuid: this.#nextUuid(),
        driver: 'fake-hardware',
        provision_state: 'manageable',
        ...scripted,
        ...node,
      },
    });
    return uuid;
  }

  /** So many of the next commits fail, as on a full disk. */
  failCommits(count: number): void {
    this.#failingCommits = count;
  }

  async read(uuid: string): Promise<NodeRecord> {
    const node = await readNode(this.store.read, uuid);
    if (!node) throw new Error(`There is no node ${uuid}`);
    return node;
  }

  async operation(uuid: string): Promise<OperationRecord | undefined> {
    return await readOpenOperation(this.store.read, uuid);
  }

  /** The operation that was begun last. */
  async lastOperation(uuid: string): Promise<OperationRecord> {
    const [last] = await readOperations(this.store.read, uuid, 1);
    if (!last) throw new Error(`Node ${uuid} never had an operation`);
    return last;
  }

  /** Lets time pass until nothing is open on the node and nobody holds it. */
  async untilAtRest(uuid: string): Promise<NodeRecord> {
    await this.clock.until(async () => {
      const { reservation } = await this.read(uuid);
      return reservation === null && (await this.operation(uuid)) === undefined;
    }, `the end of the operation on ${uuid}`);
    return await this.read(uuid);
  }

  async untilWaits(uuid: string): Promise<NodeRecord> {
    await this.clock.until(async () => {
      const node = await this.read(uuid);
      return isWaiting(node.provision_state) && node.reservation === null;
    }, `node ${uuid} waiting`);
    return await this.read(uuid);
  }

  #nextUuid(): string {
    this.#uuids += 1;
    return `00000000-0000-4000-8000-${this.#uuids.toString().padStart(12, '0')}`;
  }
}

function settingsWith(given: SettingsOverrides = {}): Settings {
  return someSettings({
    ...given,
    agent: { require_tls: false, ...given.agent },
    conductor: { ...quiet, ...given.conductor },
    DEFAULT: {
      enabled_power_interfaces: ['fake', 'scripted'],
      enabled_boot_interfaces: ['fake', 'scripted'],
      enabled_deploy_interfaces: ['fake', 'scripted'],
      enabled_inspect_interfaces: ['fake', 'scripted'],
      enabled_rescue_interfaces: ['fake', 'scripted'],
      ...given.DEFAULT,
    },
  });
}

const ringSettings = {
  partitionExponent: 4,
  algorithm: 'md5',
  resetIntervalSeconds: 15,
};

/** The agent on the node gives a sign of life. */
export async function hearAgent(conductor: TestConductor, node: string): Promise<void> {
  await conductor.call('heartbeat', {
    node,
    callbackUrl: 'http://127.0.0.1:9999',
    agentVersion: '1.0',
    agentToken,
    agentVerifyCa: null,
    agentStatus: null,
    agentStatusMessage: null,
  });
}
