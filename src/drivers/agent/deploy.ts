// Deploying with the agent: what surrounds its work in every flow. The steps stand in deploy-steps.ts.
import type { DeployInterface } from '../interfaces/deploy.ts';
import { done, type StepDefinition, type StepOutcome } from '../steps.ts';
import { isFastTrack } from '../fast-track.ts';
import type { StepFlow, StepTask } from '../task.ts';
import { noAgent, noAgentToken } from '../agent-facts.ts';
import { bootAgent, forgetBoot, type AgentBoot } from './agent-boot.ts';
import { agentDeploySteps, writeImageStep } from './deploy-steps.ts';
import { eraseSettings } from './erase-settings.ts';
import { checkImage } from './image-info.ts';
import { listAgentSteps, runInBandStep } from './in-band-steps.ts';
import { agentKernelParameters } from './kernel-parameters.ts';
import { agentProperties } from './properties.ts';
import { probeImage } from './probe-image.ts';
import { checkRootDeviceHints } from './root-device-hints.ts';

/** The network that each flow wants its agent on. */
const networks: Partial<Record<StepFlow, AgentBoot['network']>> = {
  inspect: 'inspection',
  clean: 'cleaning',
  service: 'servicing',
  rescue: 'rescuing',
};

/** `direct`: the agent streams an image of a whole disk to the root device. */
export const directDeploy: DeployInterface = agentDeploy({ writesImage: true });

/** `custom-agent`: the same without the image; what goes on the disk is a step of the agent or of the operator. */
export const customAgentDeploy: DeployInterface = agentDeploy({ writesImage: false });

function agentDeploy({ writesImage }: { writesImage: boolean }): DeployInterface {
  const steps: readonly StepDefinition[] = writesImage
    ? [writeImageStep, ...agentDeploySteps]
    : agentDeploySteps;
  return {
    properties: agentProperties,
    steps,

    async validate({ node, settings }) {
      if (writesImage) checkImage(node, settings);
      checkRootDeviceHints(node);
    },

    ...(writesImage && { preflight: probeImage }),

    async prepare({ node, settings }) {
      if (writesImage) checkImage(node, settings);
      return { kind: 'done', changes: { driver_internal_info: eraseSettings(settings) } };
    },

    async prepareAgent(task) {
      if (task.memo['agent_boot'] === undefined) {
        await task.save({ driver_internal_info: eraseSettings(task.settings) });
      }
      return await boot(task, { mayUseRunningAgent: true });
    },

    async rebootAgent(task) {
      const outcome = await boot(task, { mayUseRunningAgent: false });
      // The step goes on afterwards, and may ask for another reboot or give the agent another command.
      if (outcome.kind === 'done') await forgetBoot(task);
      return outcome;
    },

    async tearDownAgent(task) {
      const isLeftOn = isFastTrack(task) && (await task.driver.power.getPowerState(task)) === 'power on';
      const mustStayOn = task.node.disable_power_off;
      if (!isLeftOn && !mustStayOn) await task.setPower('power off');
      await task.driver.boot.cleanUpRamdisk(task);
      if (!isLeftOn && mustStayOn && task.memo['reboot_asked'] === undefined) {
        await task.note({ ...task.memo, reboot_asked: true });
        await task.setPower('rebooting');
      }
      await task.driver.network.detach(task, networkOf(task));
      return isLeftOn ? done : withoutAgent;
    },

    async tearDown(task) {
      if (!task.node.disable_power_off) await task.setPower('power off');
      await task.driver.boot.cleanUpInstance(task);
      await task.driver.network.detach(task, 'tenant');
      return withoutAgent;
    },

    async cleanUp(task) {
      await task.driver.boot.cleanUpRamdisk(task);
      await task.driver.boot.cleanUpInstance(task);
      await task.driver.network.detach(task, 'provisioning');
      await task.save({ driver_internal_info: noAgentToken });
    },

    agentSteps: (task, flow) => listAgentSteps(task, flow, steps),
    runAgentStep: (task, step) => runInBandStep(task, step),
  };
}

const withoutAgent: StepOutcome = {
  kind: 'done',
  changes: { driver_internal_info: { ...noAgent, ...noAgentToken } },
};

async function boot(
  task: StepTask,
  { mayUseRunningAgent }: { mayUseRunningAgent: boolean },
): Promise<StepOutcome> {
  const outcome = await bootAgent(task, {
    network: networkOf(task),
    kernelParameters: (token) => agentKernelParameters(task, token),
    mayUseRunningAgent,
  });
  return outcome === 'there' ? done : outcome;
}

function networkOf(task: StepTask): AgentBoot['network'] {
  return networks[task.flow] ?? 'provisioning';
}
