// A machine on the bench: interfaces that remember what was done to it, and a task whose commits may fail.
import type { SettingsOverrides } from '#config/settings.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { PowerTarget } from '#model/power-states.ts';
import type { DriverPackage } from '../../define.ts';
import { createFakePackage } from '../../fake/package.ts';
import { noopPackage } from '../../noop/package.ts';
import type { StepOutcome } from '../../steps.ts';
import type { StepFlow } from '../../task.ts';
import { aTask, type TestTask } from '../../testing/a-task.ts';
import { createAgentPackage } from '../package.ts';

/** What a conductor that is killed leaves a step with. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

export class Bench {
  power: 'power on' | 'power off' = 'power off';
  /** The kernel parameters of the medium in the drive. */
  media: Readonly<Record<string, string>> | null = null;
  bootDevice: { boot_device: 'cdrom' | 'disk'; persistent: boolean } = {
    boot_device: 'disk',
    persistent: true,
  };
  /** Every action in order, as a BMC logs it. */
  readonly log: string[] = [];
  readonly task: TestTask;
  /** The commit or action after which the conductor dies, counted from one; never when null. */
  killAfter: number | null = null;
  #count = 0;

  constructor(options: { node?: Partial<NodeRecord>; settings?: SettingsOverrides; flow?: StepFlow } = {}) {
    const { settings = {} } = options;
    const task = aTask({
      flow: options.flow ?? 'deploy',
      packages: [createFakePackage({ random: () => 0 }), noopPackage, createAgentPackage(), this.#package()],
      node: {
        power_interface: 'bench',
        boot_interface: 'bench',
        management_interface: 'bench',
        deploy_interface: 'direct',
        inspect_interface: 'agent',
        network_interface: 'noop',
        storage_interface: 'noop',
        ...options.node,
      },
      settings: {
        ...settings,
        agent: { require_tls: false, ...settings.agent },
        DEFAULT: {
          enabled_power_interfaces: ['fake', 'bench'],
          enabled_boot_interfaces: ['fake', 'bench'],
          enabled_management_interfaces: ['fake', 'bench'],
          enabled_deploy_interfaces: ['fake', 'direct', 'custom-agent'],
          enabled_rescue_interfaces: ['fake', 'agent'],
          enabled_inspect_interfaces: ['fake', 'agent', 'no-inspect'],
          ...settings.DEFAULT,
        },
      },
    });
    this.task = task;
    const save = task.save.bind(task);
    const note = task.note.bind(task);
    task.save = async (changes) => {
      await save(changes);
      if (changes.driver_internal_info?.['agent_last_heartbeat'] === null) this.silence();
      this.#mayDie();
    };
    task.note = async (memo) => {
      // As the store keeps it.
      await note(JSON.parse(JSON.stringify(memo)) as Record<string, unknown>);
      this.#mayDie();
    };
    task.setPower = async (target) => {
      const there = target === this.power;
      if (!there) await task.driver.power.setPowerState(task, target, { timeoutSeconds: 60 });
      const gone = !there && target !== 'power on';
      await task.save({
        power_state: this.power,
        ...(gone ? { driver_internal_info: { agent_url: null, agent_last_heartbeat: null } } : {}),
      });
    };
  }

  /** The agent of this boot heartbeats. */
  hear(url: string, token?: string): void {
    this.task.apply({
      driver_internal_info: { agent_url: url, ...(token ? { agent_secret_token: token } : {}) },
    });
    this.task.agentHeardAt = this.task.clock.now();
  }

  silence(): void {
    this.task.agentHeardAt = null;
  }

  /**
   * Runs a step again and again, each time killed one commit or action later than before, until it comes through:
   * what a step does under a conductor that keeps dying.
   */
  async throughDeaths(run: () => Promise<StepOutcome>): Promise<StepOutcome> {
    for (let after = 1; ; after += 1) {
      this.#count = 0;
      this.killAfter = after;
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        this.task.attempt += 1;
      } finally {
        this.killAfter = null;
      }
    }
  }

  act(action: string): void {
    this.log.push(action);
    this.#mayDie();
  }

  #mayDie(): void {
    this.#count += 1;
    if (this.#count === this.killAfter) throw new Killed('The conductor was killed');
  }

  #package(): DriverPackage {
    const contract = { properties: {}, validate: async () => {} };
    return {
      hardwareTypes: [],
      implementations: {
        power: {
          bench: {
            ...contract,
            getPowerState: async () => this.power,
            supportedTargets: async () => [],
            setPowerState: async (_task, target) => this.#setPower(target),
          },
        },
        management: {
          bench: {
            ...contract,
            supportedBootDevices: async () => ['cdrom', 'disk'],
            getBootDevice: async () => this.bootDevice,
            setBootDevice: async () => {},
          },
        },
        boot: {
          bench: {
            carriesToken: true,
            ...contract,
            prepareRamdisk: async (_task, parameters) => {
              if (JSON.stringify(this.media) === JSON.stringify(parameters)) return;
              this.media = parameters;
              this.bootDevice = { boot_device: 'cdrom', persistent: false };
              this.act('insert');
            },
            cleanUpRamdisk: async () => this.#eject(),
            prepareInstance: async () => this.#eject(),
            cleanUpInstance: async () => this.#eject(),
            isRamdiskPrepared: async () => this.media !== null,
          },
        },
      },
    };
  }

  #eject(): void {
    this.bootDevice = { boot_device: 'disk', persistent: true };
    if (this.media === null) return;
    this.media = null;
    this.act('eject');
  }

  #setPower(target: PowerTarget): void {
    this.power = target.endsWith('off') ? 'power off' : 'power on';
    if (this.power === 'power on' && this.bootDevice.boot_device === 'cdrom') {
      this.bootDevice = { boot_device: 'disk', persistent: true }; // used up by the firmware
    }
    this.act(target);
  }
}
