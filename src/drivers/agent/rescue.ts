// `agent` rescue: the machine boots the agent, which lets the user `rescue` in with the password and goes.
import { MissingParameterValue } from '#model/faults.ts';
import type { RescueInterface } from '../interfaces/others.ts';
import type { StepOutcome } from '../steps.ts';
import type { StepTask, Task } from '../task.ts';
import { noAgent, noAgentToken } from '../agent-facts.ts';
import { agentOf } from './agent-access.ts';
import { bootAgent } from './agent-boot.ts';
import { failureOf, missAgain, type Misses, noMisses } from './agent-command.ts';
import { AgentLost, AgentUnreachable } from './agent-faults.ts';
import { agentKernelParameters } from './kernel-parameters.ts';

export const agentRescue: RescueInterface = {
  properties: {},

  async validate(task) {
    await task.driver.boot.validate(task);
  },

  async rescue(task) {
    const outcome = await bootAgent(task, {
      network: 'rescuing',
      kernelParameters: (token) => agentKernelParameters(task, token),
      mayUseRunningAgent: false,
      whileOff: async () => {
        // Once: what the rescue boots from is next in the same drive.
        if (task.memo['instance_left'] === true) return;
        await task.driver.boot.cleanUpInstance(task);
        await task.driver.network.detach(task, 'tenant');
        await task.note({ ...task.memo, instance_left: true });
      },
    });
    if (outcome !== 'there') return outcome;
    return await finalizeRescue(task);
  },

  async unrescue(task) {
    if (task.memo['prepared'] !== true) {
      if (!task.node.disable_power_off) await task.setPower('power off');
      await cleanUp(task);
      await task.driver.network.attach(task, 'tenant');
      await task.driver.boot.prepareInstance(task);
      await task.note({ prepared: true });
    }
    // Asked of the BMC before the conductor died: on is what is left of it to ensure.
    const goal = task.node.disable_power_off && task.memo['reboot_asked'] !== true ? 'rebooting' : 'power on';
    if (goal === 'rebooting') await task.note({ reboot_asked: true });
    await task.setPower(goal);
    return { kind: 'done', changes: { driver_internal_info: { ...noAgent, ...noAgentToken } } };
  },

  cleanUp,
};

/** May be repeated. */
async function cleanUp(task: Task): Promise<void> {
  await task.driver.boot.cleanUpRamdisk(task);
  await task.driver.network.detach(task, 'rescuing');
  await task.save({ driver_internal_info: { ...noAgent, ...noAgentToken } });
}

/**
 * Gives the agent the password, hashed, after which it listens no longer: one that has gone since it was told is one
 * that took it.
 */
async function finalizeRescue(task: StepTask): Promise<StepOutcome> {
  const { hashed_rescue_password: password } = task.node.instance_info;
  if (typeof password !== 'string')
    throw new MissingParameterValue(`Node ${task.node.uuid} has no hashed rescue password.`);
  const agent = await agentOf(task);
  if (agent === null) throw new AgentLost('The agent was not heard of since the machine started.');
  const wasTold = task.memo['password_told'] === true;
  if (!wasTold) await task.note({ ...task.memo, password_told: true });
  try {
    const params = { rescue_password: password, hashed: true };
    const command = await agent.start({ name: 'rescue.finalize_rescue', params });
    if (command.command_status === 'FAILED') throw failureOf('setting the rescue password', command);
  } catch (error) {
    if (!(error instanceof AgentUnreachable)) throw error;
    const isKnownNotTaken = error.neverArrived && !wasTold;
    if (isKnownNotTaken) await noteMiss(task, error);
    // Whether it took the password shows when it is asked again: then it has gone.
    if (isKnownNotTaken || !wasTold) return { kind: 'wait', for: 'poll', afterSeconds: again(task) };
  }
  await task.driver.boot.cleanUpRamdisk(task);
  await task.driver.network.detach(task, 'rescuing');
  await task.driver.network.attach(task, 'tenant');
  return { kind: 'done', changes: { driver_internal_info: { ...noAgent, ...noAgentToken } } };
}

/** What could not be reached is told to whoever asks why it lasts. Throws AgentLost when that was too often. */
async function noteMiss(task: StepTask, cause: AgentUnreachable): Promise<void> {
  // Written below alone.
  const before = (task.memo['agent_missed'] as Misses | undefined) ?? noMisses;
  const so = 'while it was to be given the rescue password';
  const agent_missed = await missAgain(task, before, so, { reason: cause.message, cause });
  await task.note({ ...task.memo, password_told: false, agent_missed, agent_unreached: cause.message });
}

const again = ({ settings }: StepTask): number => settings.agent.command_wait_interval;
