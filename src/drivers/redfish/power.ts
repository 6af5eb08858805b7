// Power through Redfish: every action is followed until the BMC says that it happened.
import { BmcTimeout, BmcUnreachable } from '#bmc/errors.ts';
import { setBootOverride } from '#bmc/redfish/boot.ts';
import {
  readLastReset,
  readPowerState,
  reset,
  type RedfishPowerState,
  type ResetType,
} from '#bmc/redfish/power.ts';
import { PowerStateFailure } from '#model/faults.ts';
import type { PowerState, PowerTarget } from '#model/power-states.ts';
import type { PowerInterface } from '../interfaces/power.ts';
import type { Task } from '../task.ts';
import { bootTargets, isBootDevice } from './boot-targets.ts';
import type { Controllers, System } from './controllers.ts';
import { redfishInfoOf, redfishProperties } from './driver-info.ts';

/**
 * A machine that is going off still runs, and an action meant for one that is off would be refused: it counts as on
 * until it is off. One that is going on needs no second push.
 */
const meanings: Record<RedfishPowerState, PowerState> = {
  On: 'power on',
  PoweringOn: 'power on',
  Paused: 'power on',
  PoweringOff: 'power on',
  Off: 'power off',
};

interface Action {
  task: Task;
  system: System;
  target: PowerTarget;
  timeoutSeconds: number;
}

export function redfishPower(controllers: Controllers): PowerInterface {
  return {
    properties: redfishProperties,

    async validate({ node, settings }) {
      redfishInfoOf(node, settings);
    },

    reachability: (task) => controllers.reachability(task),

    async getPowerState(task) {
      const state = await controllers.use(task, (system) => readPowerState(...system));
      return state === null ? null : meanings[state];
    },

    lastReset: async (task) => await controllers.use(task, (system) => readLastReset(...system)),

    async supportedTargets() {
      return ['power on', 'power off', 'rebooting', 'soft rebooting', 'soft power off'];
    },

    async setPowerState(task, target, { timeoutSeconds }) {
      await controllers.use(task, async (system) => {
        const action = { task, system, target, timeoutSeconds };
        switch (target) {
          case 'power on':
            return await turnOn(action);
          case 'power off':
            return await turnOff(action, 'ForceOff');
          case 'soft power off':
            return await turnOff(action, 'GracefulShutdown');
          case 'rebooting':
            return await reboot(action);
          case 'soft rebooting':
            return await restart(action, 'GracefulRestart');
        }
      });
    },
  };
}

async function turnOn(action: Action): Promise<void> {
  const { task, system } = action;
  const state = await readPowerState(...system);
  if (state === 'On') return;
  if (state !== 'PoweringOn') {
    const stored = task.node.driver_internal_info['redfish_boot_device'];
    // A BMC that keeps no boot device for longer than one boot is told before each.
    if (isBootDevice(stored)) {
      const [client, path, signal] = system;
      await setBootOverride(client, path, { target: bootTargets[stored], persistence: 'Once' }, signal);
    }
    await ask(action, 'On');
  }
  await becomes(action, 'On', 'On');
}

async function turnOff(action: Action, how: 'ForceOff' | 'GracefulShutdown'): Promise<void> {
  const state = await readPowerState(...action.system);
  if (state === 'Off') return;
  // On its way down: enough for who asked politely, while force cuts that short.
  if (state !== 'PoweringOff' || how === 'ForceOff') await ask(action, how);
  await becomes(action, 'Off', how);
}

/** Off and on again, so that everything starts anew; where off is not allowed the BMC restarts it in one go. */
async function reboot(action: Action): Promise<void> {
  if (action.task.node.disable_power_off) return await restart(action, 'ForceRestart');
  await turnOff(action, 'ForceOff');
  await turnOn(action);
}

async function restart(action: Action, how: 'GracefulRestart' | 'ForceRestart'): Promise<void> {
  if ((await readPowerState(...action.system)) === 'Off') return await turnOn(action);
  await ask(action, how);
  // It may be off for a moment, before which On would say nothing.
  await action.task.clock.sleep(pollMilliseconds(action.task), action.task.signal);
  await becomes(action, 'On', how);
}

/** When an answer is lost the action may have been taken or not; the power state tells. */
async function ask({ task, system: [client, path, signal] }: Action, type: ResetType): Promise<void> {
  try {
    await reset(client, path, type, signal);
  } catch (error) {
    const isOpen =
      (error instanceof BmcUnreachable || error instanceof BmcTimeout) && error.mayHaveTakenEffect;
    if (!isOpen) throw error;
    task.log.warn({ err: error, type }, 'Whether the BMC took the power action is not known');
  }
}

async function becomes(action: Action, wanted: 'On' | 'Off', type: ResetType): Promise<void> {
  const { task, system, target, timeoutSeconds } = action;
  const deadline = task.clock.now() + timeoutSeconds * 1000;
  for (;;) {
    const state = await readPowerState(...system);
    if (state === wanted) return;
    if (task.clock.now() >= deadline) {
      const says = `its BMC says ${state ?? 'nothing'} ${timeoutSeconds} s after it was asked for ${type}`;
      throw new PowerStateFailure({ pstate: `${target}: ${says}` });
    }
    await task.clock.sleep(pollMilliseconds(task), task.signal);
  }
}

function pollMilliseconds(task: Task): number {
  return task.settings.ingot.driver_poll_interval * 1000;
}
