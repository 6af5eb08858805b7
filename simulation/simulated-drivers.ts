// The drivers of simulated machines: what goes to a BMC, and how its answers are followed. What is done with the agent
// is the product's own.
import { bootAgent } from '#drivers/agent/agent-boot.ts';
import { agentKernelParameters } from '#drivers/agent/kernel-parameters.ts';
import { type DriverPackage, defineHardwareType } from '#drivers/define.ts';
import type { BootInterface } from '#drivers/interfaces/boot.ts';
import type { InterfaceContract } from '#drivers/interfaces/contract.ts';
import type { ManagementInterface } from '#drivers/interfaces/management.ts';
import type { RescueInterface } from '#drivers/interfaces/others.ts';
import type { PowerInterface } from '#drivers/interfaces/power.ts';
import { defineStep, done } from '#drivers/steps.ts';
import type { LookingTask, StepTask, Task } from '#drivers/task.ts';
import { PowerStateFailure } from '#model/faults.ts';
import type { Machine } from './machine.ts';

/** What is asked of a BMC. `changes`: what it does to the machine, for those who judge it. */
export interface BmcRequest<T> {
  readonly what: string;
  readonly changes?: 'off' | 'other';
  /** What must not be done twice, where it must not. */
  readonly once?: { operation: string; step: string };
  readonly run: (machine: Machine) => T;
}

/** How one conductor reaches the BMCs. */
export type AskBmc = <T>(task: LookingTask, request: BmcRequest<T>) => Promise<T>;

const contract: InterfaceContract = {
  properties: { machine: 'Which machine it is.', simulated_password: 'Of its BMC.' },
  async validate() {},
};

export function simulatedDrivers(ask: AskBmc): DriverPackage {
  return {
    hardwareTypes: [
      defineHardwareType({
        name: 'simulated',
        supported: {
          bios: ['no-bios'],
          boot: ['simulated'],
          console: ['no-console'],
          deploy: ['direct'],
          firmware: ['no-firmware'],
          inspect: ['agent', 'no-inspect'],
          management: ['simulated'],
          network: ['noop'],
          power: ['simulated'],
          raid: ['no-raid'],
          rescue: ['simulated', 'no-rescue'],
          storage: ['noop'],
          vendor: ['no-vendor'],
        },
      }),
    ],
    implementations: {
      power: { simulated: simulatedPower(ask) },
      boot: { simulated: simulatedBoot(ask) },
      management: { simulated: simulatedManagement(ask) },
      rescue: { simulated: simulatedRescue },
    },
  };
}

function simulatedPower(ask: AskBmc): PowerInterface {
  const read = async (task: LookingTask): Promise<'on' | 'off'> =>
    await ask(task, { what: 'reads the power state', run: (machine) => machine.shownPower });
  const reset = async (task: Task, action: 'on' | 'off' | 'restart'): Promise<void> =>
    await ask(task, {
      what: `resets: ${action}`,
      changes: action === 'off' ? 'off' : 'other',
      run: (machine) => machine.reset(action),
    });
  const becomes = async (task: Task, wanted: 'on' | 'off', timeoutSeconds: number): Promise<void> => {
    const deadline = task.clock.now() + timeoutSeconds * 1000;
    while ((await read(task)) !== wanted) {
      if (task.clock.now() >= deadline) throw new PowerStateFailure({ pstate: `power ${wanted}` });
      await task.clock.sleep(5000, task.signal);
    }
  };
  const turn = async (task: Task, wanted: 'on' | 'off', timeoutSeconds: number): Promise<void> => {
    if ((await read(task)) === wanted) return;
    await reset(task, wanted);
    await becomes(task, wanted, timeoutSeconds);
  };
  return {
    ...contract,
    getPowerState: async (task) => `power ${await read(task)}`,
    supportedTargets: async () => ['power on', 'power off', 'rebooting', 'soft rebooting', 'soft power off'],
    async setPowerState(task, target, { timeoutSeconds }) {
      switch (target) {
        case 'power on':
          return await turn(task, 'on', timeoutSeconds);
        case 'power off':
        case 'soft power off':
          return await turn(task, 'off', timeoutSeconds);
        case 'rebooting':
        case 'soft rebooting':
          if (task.node.disable_power_off) {
            await reset(task, 'restart');
            await task.clock.sleep(5000, task.signal);
            return await becomes(task, 'on', timeoutSeconds);
          }
          await turn(task, 'off', timeoutSeconds);
          return await turn(task, 'on', timeoutSeconds);
      }
    },
  };
}

function simulatedBoot(ask: AskBmc): BootInterface {
  const eject = async (task: Task): Promise<void> => {
    if (await ask(task, { what: 'reads the media', run: ({ media }) => media !== null }))
      await ask(task, {
        what: 'ejects the medium',
        changes: 'other',
        run: (machine) => void (machine.media = null),
      });
  };
  const isNext = async (task: Task): Promise<boolean> => {
    const { boot_device, persistent } = await task.driver.management.getBootDevice(task);
    return boot_device === 'cdrom' && persistent === false;
  };
  return {
    ...contract,
    carriesToken: true,
    async prepareRamdisk(task, parameters) {
      const wanted = JSON.stringify(parameters);
      const there = await ask(task, { what: 'reads the media', run: ({ media }) => media?.parameters });
      if (JSON.stringify(there) !== wanted)
        await ask(task, {
          what: 'inserts a medium',
          changes: 'other',
          run: (machine) => void (machine.media = { parameters }),
        });
      if (!(await isNext(task)))
        await task.driver.management.setBootDevice(task, 'cdrom', { persistent: false });
    },
    async isRamdiskPrepared(task) {
      const token = task.node.driver_internal_info['agent_secret_token'];
      const isIn = await ask(task, {
        what: 'reads the media',
        run: ({ media }) => media?.parameters['ipa-agent-token'] === token,
      });
      return isIn && (await isNext(task));
    },
    cleanUpRamdisk: eject,
    async prepareInstance(task) {
      await eject(task);
      await task.driver.management.setBootDevice(task, 'disk', { persistent: true });
    },
    cleanUpInstance: eject,
  };
}

function simulatedManagement(ask: AskBmc): ManagementInterface {
  return {
    ...contract,
    supportedBootDevices: async () => ['cdrom', 'disk', 'pxe'],
    async setBootDevice(task, device, { persistent }) {
      if (device !== 'cdrom' && device !== 'disk' && device !== 'pxe') throw new Error(`no ${device}`);
      await ask(task, {
        what: `sets the boot device: ${device}${persistent ? ' for good' : ''}`,
        changes: 'other',
        run: (machine) => void (machine.override = { device, persistent }),
      });
    },
    async getBootDevice(task) {
      const override = await ask(task, { what: 'reads the boot device', run: (machine) => machine.override });
      return { boot_device: override?.device ?? null, persistent: override?.persistent ?? null };
    },
    getMacAddresses: async (task) => [await ask(task, { what: 'reads its cards', run: ({ mac }) => mac })],
    steps: [
      defineStep({
        step: 'burn_fuse',
        flows: { deploy: 0, clean: 0, service: 0 },
        mayRepeat: false,
        requiresRamdisk: false,
        async run(task) {
          await ask(task, {
            what: `burns a fuse for ${task.operationId}`,
            changes: 'other',
            once: { operation: task.operationId, step: 'burn_fuse' },
            run: () => undefined,
          });
          return done;
        },
      }),
      defineStep({
        step: 'apply_setting',
        flows: { clean: 15, deploy: 0, service: 0 },
        requiresRamdisk: false,
        async run(task) {
          const wanted = `by ${task.operationId}`;
          if ((await ask(task, { what: 'reads its setting', run: ({ setting }) => setting })) === wanted)
            return done;
          await ask(task, {
            what: 'changes its setting',
            changes: 'other',
            run: (machine) => void (machine.setting = wanted),
          });
          return { kind: 'wait', for: 'poll', afterSeconds: 20 };
        },
      }),
    ],
  };
}

const simulatedRescue: RescueInterface = {
  ...contract,
  async rescue(task: StepTask) {
    const outcome = await bootAgent(task, {
      network: 'rescuing',
      kernelParameters: (token) => agentKernelParameters(task, token),
      mayUseRunningAgent: false,
    });
    return outcome === 'there' ? done : outcome;
  },
  async unrescue(task) {
    if (!task.node.disable_power_off) await task.setPower('power off');
    await task.driver.boot.cleanUpRamdisk(task);
    await task.driver.boot.prepareInstance(task);
    await task.setPower(task.node.disable_power_off ? 'rebooting' : 'power on');
    return done;
  },
  async cleanUp(task) {
    await task.driver.boot.cleanUpRamdisk(task);
  },
};
