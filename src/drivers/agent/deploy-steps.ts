// The steps of a deployment with the agent, in the order they run (ironic drivers/modules/agent.py, 2026.2).
import { AgentAPIError } from '#model/faults.ts';
import { booleanWord } from '#model/boolean-word.ts';
import { defineStep, done, type StepDefinition, type StepOutcome } from '../steps.ts';
import type { StepTask } from '../task.ts';
import { agentOf } from './agent-access.ts';
import { noAgent, noAgentToken } from '../agent-facts.ts';
import { bootAgent, turnsOn } from './agent-boot.ts';
import { AgentBusy, AgentUnreachable } from './agent-faults.ts';
import { configDriveOf, imageInfoOf } from './image-info.ts';
import { runInBandStep } from './in-band-steps.ts';
import { agentKernelParameters } from './kernel-parameters.ts';
import { powerStateIfTold } from './power-look.ts';

/** Ensures that the agent runs. */
const deployStep = defineStep({
  step: 'deploy',
  flows: { deploy: 100 },
  abortable: true,
  async run(task) {
    const outcome = await bootAgent(task, {
      network: 'provisioning',
      kernelParameters: (token) => agentKernelParameters(task, token),
      mayUseRunningAgent: true,
    });
    return outcome === 'there' ? done : outcome;
  },
});

/** Ensures that image and config drive are on the root device, verified by the agent. */
export const writeImageStep = defineStep({
  step: 'write_image',
  flows: { deploy: 80 },
  abortable: true,
  async run(task) {
    if (!task.driver.storage.shouldWriteImage(task)) return done;
    const step = { interface: 'deploy', step: 'write_image', priority: 80, args: {} };
    return await runInBandStep(task, step, {
      what: 'writing the image',
      args: async () => ({
        image_info: imageInfoOf(task.node, task.settings),
        configdrive: await configDriveOf(task.node),
      }),
    });
  },
});

/** Ensures that the next start is from the disk: media out, boot device set. The agent runs from memory. */
const prepareInstanceBootStep = defineStep({
  step: 'prepare_instance_boot',
  flows: { deploy: 60 },
  abortable: true,
  async run(task) {
    await task.driver.boot.prepareInstance(task);
    return done;
  },
});

/** Ensures that the machine is off with everything on its disks. One that must not be off goes on until it reboots. */
const tearDownAgentStep = defineStep({
  step: 'tear_down_agent',
  flows: { deploy: 40 },
  abortable: true,
  async run(task) {
    if (task.node.disable_power_off) {
      await tellAgent(task, syncOnly);
      return done;
    }
    if ((await powerStateIfTold(task)) === 'power off') return await off(task);
    const isFirst = task.memo['asked_at'] === undefined;
    const askedAt = await askedAtOf(task);
    const commands = forcesOutOfBand(task) ? syncOnly : syncAndPowerOff;
    const isTold = task.memo['told'] === true || (await tellAgent(task, commands));
    const { post_deploy_get_power_state_retries: looks, post_deploy_get_power_state_retry_interval: pause } =
      task.settings.agent;
    const isOver = task.clock.now() - askedAt >= looks * pause * 1000;
    // An agent that could perhaps be told before and cannot now is on its way out.
    const isHopeless = isOver || (isFirst && !isTold);
    if (isHopeless || forcesOutOfBand(task)) return await off(task);
    if (isTold && task.memo['told'] !== true) await task.note({ ...task.memo, told: true });
    return { kind: 'wait', for: 'poll', afterSeconds: task.settings.ingot.driver_poll_interval };
  },
});

/** Ensures that the machine is on its tenant's network and on none of ours. */
const switchToTenantNetworkStep = defineStep({
  step: 'switch_to_tenant_network',
  flows: { deploy: 30 },
  abortable: true,
  async run(task) {
    await task.driver.network.detach(task, 'provisioning');
    await task.driver.network.attach(task, 'tenant');
    return done;
  },
});

/** Ensures that the machine was started from its disk, once. */
const bootInstanceStep = defineStep({
  step: 'boot_instance',
  flows: { deploy: 20 },
  abortable: true,
  async run(task) {
    const wasAsked = task.memo['start_asked'] === true;
    const isOn = (await task.driver.power.getPowerState(task)) === 'power on';
    const isStarted = isOn
      ? !task.node.disable_power_off || (wasAsked && !(await agentAnswers(task)))
      : wasAsked && (await turnsOn(task));
    if (!isStarted) {
      await task.note({ ...task.memo, start_asked: true });
      await task.setPower(isOn ? 'rebooting' : 'power on');
    } else if (task.node.power_state !== 'power on') {
      // On already: this only makes the record say so.
      await task.setPower('power on');
    }
    return { kind: 'done', changes: { driver_internal_info: { ...noAgent, ...noAgentToken } } };
  },
});

export const agentDeploySteps: readonly StepDefinition[] = [
  deployStep,
  prepareInstanceBootStep,
  tearDownAgentStep,
  switchToTenantNetworkStep,
  bootInstanceStep,
];

async function off(task: StepTask): Promise<StepOutcome> {
  await task.setPower('power off');
  return done;
}

function forcesOutOfBand(task: StepTask): boolean {
  return booleanWord(task.node.driver_info['deploy_forces_oob_reboot']) ?? false;
}

async function askedAtOf(task: StepTask): Promise<number> {
  const noted = task.memo['asked_at'];
  if (typeof noted === 'number') return noted;
  const askedAt = task.clock.now();
  await task.note({ ...task.memo, asked_at: askedAt });
  return askedAt;
}

type Command = 'standby.sync' | 'standby.power_off';
const syncOnly: readonly Command[] = ['standby.sync'];
const syncAndPowerOff: readonly Command[] = ['standby.sync', 'standby.power_off'];

/**
 * Gives the agent commands one after the other, without those it has already. False when it could not be told: what
 * follows is then done by the BMC, since the machine holds all there is to hold by now.
 */
async function tellAgent(task: StepTask, names: readonly Command[]): Promise<boolean> {
  try {
    const agent = await agentOf(task);
    if (agent === null) return false;
    const known = await agent.listCommands();
    for (const name of names) {
      if (known.some(({ command_name }) => `standby.${command_name}` === name)) continue;
      if (name === 'standby.sync') await agent.ask({ name, params: {} });
      else await agent.start({ name, params: {} });
    }
    return true;
  } catch (error) {
    if (!isAgentFault(error)) throw error;
    task.log.warn({ err: error, commands: names }, 'The agent could not be told');
    return false;
  }
}

async function agentAnswers(task: StepTask): Promise<boolean> {
  try {
    const agent = await agentOf(task);
    await agent?.status();
    return agent !== null;
  } catch (error) {
    if (isAgentFault(error)) return false;
    throw error;
  }
}

function isAgentFault(error: unknown): boolean {
  return error instanceof AgentUnreachable || error instanceof AgentBusy || error instanceof AgentAPIError;
}
