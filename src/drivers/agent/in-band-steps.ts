// Steps that the agent carries out: which it offers, and running one (spec agent-api.json#/ironic_side/step_polling).
import type { Settings } from '#config/settings.ts';
import { wireTime } from '#model/clock.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { HardwareManagerVersions, InBandStep, StepKind } from '#protocol/agent-commands.ts';
import type { OperationStep } from '#protocol/operation.ts';
import type { OfferedStep, StepDefinition, StepOutcome } from '../steps.ts';
import type { StepFlow, StepTask } from '../task.ts';
import { agentOf } from './agent-access.ts';
import { failureOf, runAgentCommand } from './agent-command.ts';
import { AgentLost } from './agent-faults.ts';
import { nodeForAgent, portsForAgent } from './node-for-agent.ts';

const kindOf: Partial<Record<StepFlow, StepKind>> = { clean: 'clean', deploy: 'deploy', service: 'service' };

/** What a deployment may be unable to finish, and what the agent does twice without harm: it erases what is erased. */
const repeatable: readonly string[] = [
  'deploy.erase_devices',
  'deploy.erase_devices_metadata',
  'deploy.erase_devices_express',
  'deploy.erase_pstore',
  'deploy.clean_uefi_nvram',
  'deploy.write_image',
  'deploy.inject_files',
  'deploy.burnin_cpu',
  'deploy.burnin_gpu',
  'deploy.burnin_disk',
  'deploy.burnin_memory',
  'deploy.burnin_network',
];

/** More than any agent offers; the list comes over the network and goes into the store. */
const maxSteps = 500;
const maxArguments = 50;
const maxManagers = 100;
const longestName = 255;
const longestText = 1000;

type ListedStep = Required<InBandStep> & { argsinfo: OfferedStep['takes'] };

/**
 * The steps that the agent offers for a flow, without those that `own` already does from outside, with the
 * priorities that the settings give. The versions of the agent's hardware managers are saved, to be sent with each,
 * and the list itself, for whoever wants to see it (`agent_cached_clean_steps` and so on).
 */
export async function listAgentSteps(
  task: StepTask,
  flow: StepFlow,
  own: readonly StepDefinition[],
): Promise<OfferedStep[]> {
  const kind = kindOf[flow];
  if (kind === undefined) return [];
  const agent = await agentOf(task);
  if (agent === null) throw new AgentLost('The agent was not heard of since the machine started.');
  const command = await agent.ask({
    name: `${kind}.get_${kind}_steps`,
    params: { node: nodeForAgent(task.node), ports: portsForAgent(task.ports) },
  });
  if (command.command_status === 'FAILED') throw failureOf(`listing its ${kind} steps`, command);
  const result = command.command_result ?? {};
  const steps = stepsIn(result[`${kind}_steps`]).filter(
    (step) =>
      !own.some((mine) => step.interface === 'deploy' && mine.step === step.step && flow in mine.flows),
  );
  await task.save({
    driver_internal_info: {
      hardware_manager_version: versionsIn(result['hardware_manager_version']),
      agent_steps_with_reboot: steps.filter((step) => step.reboot_requested).map(nameOf),
      [`agent_cached_${kind}_steps`]: Object.groupBy(steps, (step) => step.interface),
      [`agent_cached_${kind}_steps_refreshed`]: wireTime(task.clock.now()),
    },
  });
  return steps.map((step) => ({
    interface: step.interface,
    step: step.step,
    args: {},
    priority: (kind === 'clean' ? cleanPriority(task.settings, step) : null) ?? step.priority,
    abortable: step.abortable ?? false,
    origin: 'agent',
    takes: step.argsinfo,
  }));
}

/**
 * Runs one of the agent's steps, or finds how far it came. Throws AgentCommandFailed, AgentLost. May be repeated:
 * a step that the agent began is not sent again, unless the agent began anew and the step takes that.
 */
export async function runInBandStep(
  task: StepTask,
  step: Pick<OperationStep, 'interface' | 'step' | 'args' | 'priority'>,
  options: { what?: string; args?: () => Promise<Record<string, unknown>> } = {},
): Promise<StepOutcome> {
  const kind = kindOf[task.flow];
  if (kind === undefined) throw new TypeError(`An agent has no steps for ${task.flow}`);
  const name = nameOf(step);
  const ran = await runAgentCommand(task, {
    name: `${kind}.execute_${kind}_step`,
    what: options.what ?? `running the ${kind} step ${name}`,
    mayRepeat: repeatable.includes(name),
    params: async () => ({
      step: {
        interface: step.interface,
        step: step.step,
        priority: step.priority,
        args: options.args ? await options.args() : step.args,
      },
      node: nodeForAgent(task.node),
      ports: portsForAgent(task.ports),
      [`${kind}_version`]: task.node.driver_internal_info['hardware_manager_version'] ?? null,
    }),
  });
  if (ran.kind === 'waiting') return ran.outcome;
  if (ran.kind === 'outdated') return ran;
  const withReboot = task.node.driver_internal_info['agent_steps_with_reboot'];
  if (Array.isArray(withReboot) && withReboot.includes(name)) {
    return { kind: 'wait', for: 'reboot', thenRepeatStep: false };
  }
  return { kind: 'done' };
}

/** A priority of the settings; null leaves the agent's (ironic conductor/cleaning.py via deploy_utils, 2026.2). */
function cleanPriority({ deploy }: Settings, step: InBandStep): number | null {
  switch (nameOf(step)) {
    case 'deploy.erase_devices':
      return deploy.erase_devices_priority;
    case 'deploy.erase_devices_metadata':
      return deploy.erase_devices_metadata_priority;
    case 'raid.create_configuration':
      return deploy.create_configuration_priority;
    case 'raid.delete_configuration':
      return deploy.delete_configuration_priority;
    default:
      return null;
  }
}

function nameOf(step: { interface: string; step: string }): string {
  return `${step.interface}.${step.step}`;
}

/** The versions of an agent's hardware managers; null when it tells none. Stored and shown, so nothing else gets in. */
function versionsIn(told: unknown): HardwareManagerVersions | null {
  if (typeof told !== 'object' || told === null) return null;
  const versions = Object.entries(told)
    .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    .filter(([name, version]) => isName(name) && version.length <= longestName);
  return Object.fromEntries(versions.slice(0, maxManagers));
}

/** What an agent lists, by hardware manager; what is not a step is left out. */
function stepsIn(byManager: unknown): ListedStep[] {
  if (!isJsonObject(byManager)) return [];
  return Object.values(byManager).flat().flatMap(stepIn).slice(0, maxSteps);
}

/** A step as far as it is understood: all of it is stored and shown. */
function stepIn(told: unknown): ListedStep[] {
  if (!isJsonObject(told) || !isName(told['step']) || !isName(told['interface'])) return [];
  const { step, interface: type, priority, abortable, reboot_requested, argsinfo } = told;
  if (typeof priority !== 'number') return [];
  return [
    {
      interface: type,
      step,
      priority,
      abortable: abortable === true,
      reboot_requested: reboot_requested === true,
      argsinfo: argumentsIn(argsinfo),
    },
  ];
}

function argumentsIn(told: unknown): OfferedStep['takes'] {
  if (!isJsonObject(told)) return {};
  return Object.fromEntries(
    Object.entries(told)
      .filter(([name]) => isName(name))
      .slice(0, maxArguments)
      .map(([name, info]) => {
        const { description, required } = isJsonObject(info) ? info : {};
        return [name, { description: textIn(description), required: required === true }];
      }),
  );
}

const isName = (told: unknown): told is string =>
  typeof told === 'string' && told !== '' && told.length <= longestName;

const textIn = (told: unknown): string => (typeof told === 'string' ? told.slice(0, longestText) : '');
