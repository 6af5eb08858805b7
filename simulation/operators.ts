// People and programs that use the API: whoever creates nodes, and asks of each, by its state, what may come next.
import { agentSteps } from './simulated-agent.ts';
import type { Judge } from './judge.ts';
import type { Look, SeenNode } from './look.ts';
import type { Machine } from './machine.ts';
import type { SeededRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { ApiRequest, Reply } from './simulated-api.ts';

interface Request extends ApiRequest {
  /** For the trace. */
  readonly what: string;
  /** What is committed with it is told of in an event, as far as one can be found by the request. */
  readonly isTold: boolean;
}

/** What is asked of a node, one request after the other as long as each is accepted. */
type Intention = readonly Request[];

export interface OperatorsWorld {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly look: Look;
  readonly judge: Judge;
  readonly machines: readonly Machine[];
  trace(who: string, what: string): void;
  request(from: string, request: ApiRequest): Promise<Reply | undefined>;
}

const owners = ['anna', 'bert', 'carl'] as const;

export class Operators {
  readonly #world: OperatorsWorld;
  readonly #meanSeconds: number;
  readonly #nodeOf = new Map<Machine, string>();
  readonly #machineOf = new Map<string, Machine>();
  readonly #busy = new Set<Machine>();
  #isAtWork = true;
  #answered: Record<string, number> = {};

  /** `meanMinutes`: how often something is asked of one machine's node. */
  constructor(world: OperatorsWorld, meanMinutes: number) {
    this.#world = world;
    this.#meanSeconds = (meanMinutes * 60) / world.machines.length;
  }

  /** How often each status was answered. */
  get answered(): Readonly<Record<string, number>> {
    return this.#answered;
  }

  machineOf(node: string): Machine | undefined {
    return this.#machineOf.get(node);
  }

  nodeOf(machine: Machine): string | undefined {
    return this.#nodeOf.get(machine);
  }

  start(): void {
    this.#world.machines.forEach((machine, index) =>
      this.#world.scheduler.after(5000 + index * 200, () => void this.#attend(machine)),
    );
    this.#next();
  }

  /** Nothing more is asked. */
  rest(): void {
    this.#isAtWork = false;
  }

  /** Takes every node out of maintenance, in which a wait has no end. */
  endMaintenance(): void {
    for (const node of this.#world.look.nodes()) {
      const machine = this.#machineOf.get(node.uuid);
      if (node.maintenance === 1 && machine) void this.#ask(machine, maintenance(node, false));
    }
  }

  #next(): void {
    const { scheduler, random, machines } = this.#world;
    scheduler.after(random.spacing(this.#meanSeconds) * 1000, () => {
      if (!this.#isAtWork) return;
      void this.#attend(random.pick(machines));
      this.#next();
    });
  }

  async #attend(machine: Machine): Promise<void> {
    if (this.#busy.has(machine)) return;
    this.#busy.add(machine);
    try {
      const uuid = this.#nodeOf.get(machine);
      const node = uuid === undefined ? undefined : this.#world.look.node(uuid);
      const intention = node ? this.#intend(node) : this.#creation(machine);
      for (const request of intention) {
        const reply = await this.#ask(machine, request);
        if (!reply || reply.status >= 300) return;
      }
    } finally {
      this.#busy.delete(machine);
    }
  }

  async #ask(machine: Machine, request: Request): Promise<Reply | undefined> {
    const { judge } = this.#world;
    const uuid = this.#nodeOf.get(machine) ?? machine.name;
    const reply = await this.#world.request('operators', request);
    const status = reply ? String(reply.status) : 'none';
    this.#answered[status] = (this.#answered[status] ?? 0) + 1;
    this.#world.trace('operators', `${request.what} of ${machine.name} (${uuid}): ${status}`);
    if (!reply) return undefined;
    if (reply.status >= 500 && reply.status !== 503)
      judge.breaks('answers', uuid, `${request.what}: ${reply.status} ${JSON.stringify(reply.json)}`);
    if (reply.status < 300 && request.isTold) judge.acknowledge(uuid, reply.requestId, request.what);
    return reply;
  }

  #creation(machine: Machine): Intention {
    const { random } = this.#world;
    const uuid = random.uuid();
    this.#nodeOf.set(machine, uuid);
    this.#machineOf.set(uuid, machine);
    const node = {
      uuid,
      name: `${machine.name}-${uuid.slice(0, 8)}`,
      driver: 'simulated',
      owner: random.pick(owners),
      driver_info: {
        machine: machine.name,
        simulated_password: `S3CRET-${machine.name}`,
        ...(random.chance(0.4) ? { ingot_retry: { attempts: 2, backoff: 60 } } : {}),
      },
      properties: { root_device: { serial: machine.root.serial } },
      disable_power_off: random.chance(0.15),
    };
    return [
      { what: 'create', isTold: true, method: 'POST', url: '/v1/nodes', body: node },
      {
        what: 'create port',
        isTold: false,
        method: 'POST',
        url: '/v1/ports',
        body: { node_uuid: uuid, address: machine.mac },
      },
      verb({ uuid }, 'manage'),
    ];
  }

  #intend(node: SeenNode): Intention {
    const { random } = this.#world;
    if (node.maintenance === 1 && random.chance(0.6)) return [maintenance(node, false)];
    if (random.chance(0.03)) return [maintenance(node, true)];
    if (random.chance(0.03)) return [verb(node, random.pick(anyVerbs))];
    if (random.chance(0.04)) return [power(node, random.pick(powerTargets))];
    if (random.chance(0.05)) return [this.#note(node)];
    return this.#following(node);
  }

  #following(node: SeenNode): Intention {
    const { random } = this.#world;
    const state = node.provision_state;
    switch (state) {
      case 'enroll':
        return [verb(node, 'manage')];
      case 'manageable':
        return random.weigh<Intention>([
          [6, [verb(node, 'provide')]],
          [2, [verb(node, 'inspect')]],
          [2, [this.#cleaning(node)]],
          [0.3, [remove(node)]],
        ]);
      case 'available':
        return random.weigh<Intention>([
          [8, this.#deployment(node, 'active')],
          [1, [verb(node, 'manage')]],
        ]);
      case 'active':
        return random.weigh<Intention>([
          [4, [verb(node, 'deleted')]],
          [2, this.#deployment(node, 'rebuild')],
          [1, [verb(node, 'rescue', { rescue_password: 'S3CRET-rescue' })]],
          [2, [this.#service(node)]],
          [1, [power(node, random.pick(powerTargets))]],
        ]);
      case 'rescue':
        return [verb(node, random.pick(['unrescue', 'unrescue', 'deleted']))];
      case 'deploy failed':
        return random.weigh<Intention>([
          [1, this.#deployment(node, 'active')],
          [1, this.#deployment(node, 'rebuild')],
          [1, [verb(node, 'deleted')]],
        ]);
      case 'clean failed':
        return [maintenance(node, false), verb(node, 'manage')];
      case 'inspect failed':
        return [verb(node, random.pick(['manage', 'inspect']))];
      case 'adopt failed':
        return [verb(node, 'manage')];
      case 'rescue failed':
      case 'unrescue failed':
        return [verb(node, random.pick(['unrescue', 'deleted']))];
      case 'service failed':
        return [maintenance(node, false), verb(node, random.pick(['abort', 'abort', 'deleted']))];
      case 'error':
        return [verb(node, 'deleted')];
      case 'clean hold':
      case 'deploy hold':
      case 'service hold':
        return [verb(node, 'unhold')];
      default:
        return random.chance(0.15) ? [verb(node, random.pick(['abort', 'abort', 'deleted']))] : [];
    }
  }

  #deployment(node: SeenNode, target: 'active' | 'rebuild'): Intention {
    const { random } = this.#world;
    const digest = Array.from({ length: 2 }, () => random.uuid().replaceAll('-', '')).join('');
    const instance_info = {
      image_source: 'http://images.example/whole-disk.img',
      image_os_hash_algo: 'sha256',
      image_os_hash_value: digest,
      image_disk_format: 'raw',
    };
    const extra = random.weigh([
      [8, []],
      [1, [step('management', 'burn_fuse', 50)]],
      [1, [step('deploy', 'hold', 75)]],
    ]);
    const steps = extra.length > 0 ? { deploy_steps: extra } : {};
    return [patch(node, '/instance_info', instance_info), verb(node, target, steps)];
  }

  #cleaning(node: SeenNode): Request {
    const { random } = this.#world;
    const choices = [
      step('raid', 'calibrate'),
      step('management', 'burn_fuse'),
      step('management', 'apply_setting'),
      step('deploy', 'erase_devices_metadata'),
      step('deploy', 'hold'),
      step('deploy', 'reboot'),
    ];
    return verb(node, 'clean', {
      clean_steps: choices
        .filter(() => random.chance(0.4))
        .concat(choices.slice(0, 1))
        .filter(isFirst),
    });
  }

  #service(node: SeenNode): Request {
    const { random } = this.#world;
    const [probe] = Object.keys(agentSteps).filter((name) => name === 'probe');
    const steps = [
      step('raid', probe ?? ''),
      ...(random.chance(0.5) ? [step('management', 'burn_fuse')] : []),
    ];
    return verb(node, 'service', { service_steps: steps });
  }

  #note(node: SeenNode): Request {
    return patch(node, '/extra/note', this.#world.random.below(1000));
  }
}

const anyVerbs = [
  'active',
  'deleted',
  'manage',
  'provide',
  'inspect',
  'abort',
  'unrescue',
  'rebuild',
  'adopt',
];
const powerTargets = ['power on', 'power off', 'rebooting', 'soft rebooting', 'soft power off'] as const;

const isFirst = (one: { step: string }, at: number, all: readonly { step: string }[]): boolean =>
  all.findIndex((other) => other.step === one.step) === at;

function step(of: string, name: string, priority?: number) {
  return { interface: of, step: name, args: {}, ...(priority === undefined ? {} : { priority }) };
}

function verb({ uuid }: Pick<SeenNode, 'uuid'>, target: string, more: object = {}): Request {
  const url = `/v1/nodes/${uuid}/states/provision`;
  return { what: target, isTold: target !== 'abort', method: 'PUT', url, body: { target, ...more } };
}

function power({ uuid }: SeenNode, target: string): Request {
  return {
    what: target,
    isTold: true,
    method: 'PUT',
    url: `/v1/nodes/${uuid}/states/power`,
    body: { target },
  };
}

function maintenance({ uuid }: SeenNode, isOn: boolean): Request {
  const url = `/v1/nodes/${uuid}/maintenance`;
  if (!isOn) return { what: 'out of maintenance', isTold: true, method: 'DELETE', url };
  return { what: 'into maintenance', isTold: true, method: 'PUT', url, body: { reason: 'by chance' } };
}

function patch({ uuid }: SeenNode, path: string, value: unknown): Request {
  const body = [{ op: 'add', path, value }];
  return { what: `patch ${path}`, isTold: true, method: 'PATCH', url: `/v1/nodes/${uuid}`, body };
}

function remove({ uuid }: SeenNode): Request {
  return { what: 'delete', isTold: true, method: 'DELETE', url: `/v1/nodes/${uuid}` };
}
