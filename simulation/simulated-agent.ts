// The agent on a machine as its conductors know it: looks its node up, heartbeats, runs one command at a time.
import type { AgentAnswer, AgentRequest } from '#drivers/agent-exchange.ts';
import type { AgentCommand } from '#protocol/agent-commands.ts';
import { blank, imageContent } from './disk.ts';
import type { Machine, Surroundings } from './machine.ts';

interface StepRequest {
  readonly step: string;
  readonly interface: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Seconds that each step takes, and whether another run of it does harm. */
export const agentSteps = {
  erase_devices: { interface: 'deploy', priority: 10, takes: [40, 240], flow: 'clean', once: false },
  erase_devices_metadata: { interface: 'deploy', priority: 99, takes: [5, 20], flow: 'clean', once: false },
  calibrate: { interface: 'raid', priority: 20, takes: [30, 200], flow: 'clean', once: true },
  write_image: { interface: 'deploy', priority: 0, takes: [60, 400], flow: 'deploy', once: false },
  tune: { interface: 'raid', priority: 70, takes: [10, 90], flow: 'deploy', once: true },
  probe: { interface: 'raid', priority: 0, takes: [10, 90], flow: 'service', once: true },
} as const satisfies Record<
  string,
  {
    interface: string;
    priority: number;
    takes: readonly [number, number];
    flow: 'clean' | 'deploy' | 'service';
    once: boolean;
  }
>;

type StepName = keyof typeof agentSteps;

const version = '11.5.0';
const heartbeatSeconds = [40, 120] as const;

export class SimulatedAgent {
  readonly parameters: Readonly<Record<string, string>>;
  readonly #world: Surroundings;
  readonly #machine: Machine;
  readonly #startedAt: number;
  readonly #commands: AgentCommand[] = [];
  #isEnded = false;
  #node: string | undefined;

  constructor(world: Surroundings, machine: Machine, parameters: Readonly<Record<string, string>>) {
    this.#world = world;
    this.#machine = machine;
    this.parameters = parameters;
    this.#startedAt = world.scheduler.now / 1000;
  }

  start(): void {
    this.#world.trace(this.#machine.name, 'agent up');
    void this.#live();
  }

  end(): void {
    this.#isEnded = true;
  }

  /** Answers a conductor. */
  answer(request: AgentRequest): AgentAnswer {
    const path = request.path.replace(/\/$/, '');
    if (path === '/v1/status') return json(200, { started_at: this.#startedAt, version });
    if (request.query['agent_token'] !== this.#token)
      return json(401, { faultcode: 'Client', faultstring: 'Agent token mismatch' });
    if (request.method === 'GET') return json(200, { commands: this.#commands });
    if (this.#commands.some(({ command_status }) => command_status === 'RUNNING'))
      return json(409, { faultcode: 'Client', faultstring: 'Agent is busy' });
    const body: unknown = JSON.parse(request.body ?? '{}');
    const { name, params } = body as { name: string; params: Record<string, unknown> }; // our own client's
    return json(200, this.#begin(name, params));
  }

  get #token(): string {
    return this.parameters['ipa-agent-token'] ?? '';
  }

  get #operation(): string {
    return (this.parameters['ipa-global-request-id'] ?? '').replace(/^req-/, '');
  }

  async #live(): Promise<void> {
    const { scheduler, random } = this.#world;
    if (this.parameters['ipa-inspection-callback-url'] !== undefined) await this.#tellFindings();
    while (!this.#isEnded) {
      if (this.#node === undefined) await this.#lookUp();
      else this.#heartbeat();
      await scheduler.pause(this.#node === undefined ? 15_000 : random.between(...heartbeatSeconds) * 1000);
    }
  }

  async #lookUp(): Promise<void> {
    const { mac } = this.#machine;
    const reply = await this.#world.request(this.#machine, 'GET', `/v1/lookup?addresses=${mac}`);
    if (this.#isEnded || reply?.status !== 200) return;
    this.#node = reply.json.node.uuid;
    this.#heartbeat();
  }

  /** Sends one, which in bad times goes astray. */
  #heartbeat(): void {
    const { random, scheduler } = this.#world;
    const strays = this.#world.heartbeatsStray();
    if (strays && random.chance(0.1)) scheduler.after(random.between(5, 200) * 1000, () => void this.#send());
    if (strays && random.chance(0.1)) scheduler.after(random.between(5, 300) * 1000, () => void this.#send());
    else void this.#send();
  }

  async #send(again = 3): Promise<void> {
    const reply = await this.#world.request(this.#machine, 'POST', `/v1/heartbeat/${this.#node}`, {
      callback_url: `http://${this.#machine.name}:9999`,
      agent_token: this.#token,
      agent_version: version,
    });
    if (reply !== undefined && reply.status < 500 && reply.status !== 409) return;
    await this.#world.scheduler.pause(10_000);
    if (again > 0 && !this.#isEnded) await this.#send(again - 1);
  }

  async #tellFindings(): Promise<void> {
    const { scheduler } = this.#world;
    for (let tries = 0; tries < 10 && !this.#isEnded; tries += 1) {
      const reply = await this.#world.request(
        this.#machine,
        'POST',
        '/v1/continue_inspection',
        findingsOf(this.#machine),
      );
      if (reply && reply.status < 300) return;
      await scheduler.pause(10_000);
    }
  }

  #begin(name: string, params: Record<string, unknown>): AgentCommand {
    const shortName = name.slice(name.indexOf('.') + 1);
    const command: AgentCommand = {
      id: `${this.#machine.name}-${this.#world.random.uuid()}`,
      command_name: shortName,
      command_status: 'RUNNING',
      command_error: null,
      command_result: null,
      command_progress: null,
      command_step: null,
    };
    this.#commands.push(command);
    const listing = /^get_(clean|deploy|service)_steps$/.exec(shortName)?.[1];
    if (listing !== undefined) succeed(command, stepsOf(listing));
    else if (shortName.startsWith('execute_')) void this.#execute(command, params);
    else succeed(command, {});
    if (shortName === 'power_off') {
      const boot = this.#machine.agent;
      this.#world.scheduler.after(2000, () => {
        if (this.#machine.agent === boot) this.#machine.turnOff();
      });
    }
    return command;
  }

  async #execute(command: AgentCommand, params: Record<string, unknown>): Promise<void> {
    const step = params['step'] as StepRequest; // our own client's
    const known = isKnown(step.step) ? agentSteps[step.step] : undefined;
    this.#world.trace(this.#machine.name, `agent runs ${step.interface}.${step.step}`);
    if (!known) return fail(command, `no step ${step.step}`);
    command.command_step = { step: step.step, interface: step.interface };
    if (known.once) this.#world.ranOnce(this.#machine, this.#operation, step.step);
    const target = step.step === 'write_image' ? this.#rootBy(params) : undefined;
    if (target) Object.assign(target, { content: 'half an image', writes: target.writes + 1 });
    await this.#world.scheduler.pause(this.#world.random.between(known.takes[0], known.takes[1]) * 1000);
    if (this.#isEnded) return;
    if (this.#world.heartbeatsStray() && this.#world.random.chance(0.02)) {
      fail(command, 'the disk does not answer');
    } else {
      if (target) target.content = imageContent(digestIn(step));
      if (step.step === 'erase_devices') for (const disk of this.#machine.disks) disk.content = blank;
      succeed(command, {});
    }
    this.#world.trace(this.#machine.name, `agent ${command.command_status} ${step.interface}.${step.step}`);
    this.#heartbeat();
  }

  /** The disk that the hints name; the first when there are none, as an agent would. */
  #rootBy(params: Record<string, unknown>) {
    const node = params['node'] as { properties: { root_device?: { serial?: string } } }; // our own client's
    const serial = node.properties.root_device?.serial;
    return this.#machine.disks.find((disk) => serial === undefined || disk.serial === serial);
  }
}

const isKnown = (name: string): name is StepName => Object.hasOwn(agentSteps, name);

function digestIn({ args }: StepRequest): string {
  const info = args['image_info'] as { os_hash_value?: string }; // as ImageInfo
  return info.os_hash_value ?? '';
}

function stepsOf(flow: string): Record<string, unknown> {
  const steps = Object.entries(agentSteps)
    .filter(([, step]) => step.flow === flow)
    .map(([step, { interface: of, priority }]) => ({
      step,
      interface: of,
      priority,
      reboot_requested: false,
      abortable: step === 'erase_devices',
    }));
  return { [`${flow}_steps`]: { Simulated: steps }, hardware_manager_version: { Simulated: '1' } };
}

function succeed(command: AgentCommand, result: Record<string, unknown>): void {
  command.command_status = 'SUCCEEDED';
  command.command_result = result;
}

function fail(command: AgentCommand, message: string): void {
  command.command_status = 'FAILED';
  command.command_error = { type: 'SimulatedFault', code: 500, message, details: message };
}

function findingsOf({ mac, disks }: Machine): Record<string, unknown> {
  return {
    inventory: {
      interfaces: [
        {
          name: 'eth0',
          mac_address: mac,
          ipv4_address: '192.0.2.1',
          ipv6_address: null,
          has_carrier: true,
          lldp: null,
        },
      ],
      cpu: { architecture: 'x86_64', count: 8, model_name: 'simulated', frequency: null, flags: [] },
      memory: { total: 2 ** 34, physical_mb: 16_384 },
      disks: disks.map(({ serial }) => ({ name: `/dev/${serial}`, serial, size: 2 ** 36 })),
      bmc_address: null,
      bmc_v6address: null,
      boot: { current_boot_mode: 'uefi', pxe_interface: mac },
      system_vendor: { product_name: 'simulated', serial_number: mac, manufacturer: 'none' },
      hostname: 'simulated',
    },
    error: null,
  };
}

function json(status: number, body: unknown): AgentAnswer {
  return { status, text: JSON.stringify(body) };
}
