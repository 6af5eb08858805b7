// Every command of the agent: a row each (spec agent-api.json#/agent_side/commands).
import { isJsonObject } from '#model/json-object.ts';
import type { AgentNode, HardwareManagerVersions, ImageInfo, StepKind } from '#protocol/agent-commands.ts';
import type { AgentContext, CommandRun } from './agent-context.ts';
import { InvalidContent } from './faults.ts';
import { prepareImage } from './prepare-image.ts';
import { executeStep, listSteps, managerVersions } from './steps.ts';
import type { StepRequest } from './steps.ts';
import { gzippedTar } from './tar.ts';

type Params = Record<string, unknown>;

export interface CommandRow {
  /** Sync: answered when done. Async: answered at once, followed by listing the commands. */
  mode: 'sync' | 'async';
  required: readonly string[];
  /** Further parameters; null when any may come, being arguments of a step. */
  optional: readonly string[] | null;
  /** What it resolves with is the command's result. @throws AgentFault; InvalidContent answers the request itself. */
  run(
    context: AgentContext,
    params: Params,
    run: CommandRun,
  ): Promise<Record<string, unknown> | string | null>;
}

/** By extension and name, as they are called. */
export const commandTable: Record<string, Record<string, CommandRow>> = {
  clean: stepCommands('clean'),
  deploy: stepCommands('deploy'),
  service: stepCommands('service'),
  standby: {
    prepare_image: {
      mode: 'async',
      required: ['image_info'],
      optional: ['configdrive'],
      run: (context, { image_info: image, configdrive }, run) =>
        prepareImage(
          context,
          {
            image_info: objectParam('image_info', image) as unknown as ImageInfo, // its members are checked where used
            configdrive: typeof configdrive === 'string' ? configdrive : null,
          },
          run,
        ),
    },
    run_image: endCommand('reboot'),
    power_off: endCommand('powerOff'),
    sync: {
      mode: 'sync',
      required: [],
      optional: [],
      async run({ hardware }) {
        await hardware.sync();
        return null;
      },
    },
    get_partition_uuids: {
      mode: 'sync',
      required: [],
      optional: [],
      run: async ({ knowledge }) => knowledge.partitionUuids,
    },
  },
  image: {
    install_bootloader: {
      mode: 'async',
      required: ['root_uuid'],
      optional: [
        'efi_system_part_uuid',
        'prep_boot_part_uuid',
        'target_boot_mode',
        'ignore_bootloader_failure',
      ],
      async run({ log }) {
        log.info('a whole-disk image brings its own boot loader: nothing to install');
        return null;
      },
    },
  },
  poll: {
    get_hardware_info: {
      mode: 'sync',
      required: [],
      optional: [],
      run: async ({ hardware }) => ({ ...(await hardware.inventory()) }),
    },
  },
  log: {
    collect_system_logs: {
      mode: 'sync',
      required: [],
      optional: [],
      run: async (context) => ({ system_logs: await collectLogs(context) }),
    },
  },
  rescue: {
    finalize_rescue: {
      mode: 'sync',
      required: [],
      optional: ['rescue_password', 'hashed'],
      async run({ hardware, finish }, { rescue_password: password, hashed }) {
        if (typeof password !== 'string' || password === '')
          throw new InvalidContent('The parameter rescue_password is not a text');
        if (hashed !== true) throw new InvalidContent('A rescue password is taken hashed only');
        await hardware.setRescuePassword(password);
        finish('rescue');
        return null;
      },
    },
  },
  system: {
    lockdown: {
      mode: 'sync',
      required: [],
      optional: [],
      async run({ finish }) {
        finish('lockdown');
        return null;
      },
    },
  },
};

/** The agent's log and the system's: base64 of a gzipped tar. */
export async function collectLogs({ hardware, log, clock }: AgentContext): Promise<string> {
  const files = [{ name: 'ingot-agent.log', content: log.recent() }, ...(await hardware.systemLogs())];
  return (await gzippedTar(files, clock.now() / 1000)).toString('base64');
}

/** The step that an execute_*_step works on. @throws InvalidContent */
export function stepParam(params: Params): StepRequest['step'] {
  const step = objectParam('step', params['step']);
  const { step: name, interface: of, args } = step;
  if (typeof name !== 'string')
    throw new InvalidContent('The parameter step has no member "step" that names it');
  return {
    ...step,
    step: name,
    interface: typeof of === 'string' ? of : 'deploy',
    ...(args !== undefined && args !== null && { args: objectParam('step.args', args) }),
  };
}

function stepCommands(kind: StepKind): Record<string, CommandRow> {
  return {
    [`get_${kind}_steps`]: {
      mode: 'sync',
      required: ['node', 'ports'],
      optional: [],
      async run({ knowledge }, { node }) {
        knowledge.node = nodeParam(node);
        return { [`${kind}_steps`]: listSteps(kind), hardware_manager_version: managerVersions };
      },
    },
    [`execute_${kind}_step`]: {
      mode: 'async',
      required: ['step', 'node', 'ports'],
      optional: null,
      async run(context, params, run) {
        const step = stepParam(params);
        const versions = params[`${kind}_version`] ?? null;
        context.knowledge.node = nodeParam(params['node']);
        const request: StepRequest = {
          step,
          node: context.knowledge.node,
          versions:
            // Only compared as a whole, so what its members are does not matter.
            versions === null ? null : (objectParam(`${kind}_version`, versions) as HardwareManagerVersions),
        };
        const result = await executeStep(kind, context, request, run);
        return { [`${kind}_result`]: result, [`${kind}_step`]: withoutSecrets(step) };
      },
    },
  };
}

function endCommand(end: 'reboot' | 'powerOff'): CommandRow {
  return {
    mode: 'async',
    required: [],
    optional: [],
    async run({ hardware, finish }) {
      await hardware.sync();
      finish(end);
      return null;
    },
  };
}

function objectParam(name: string, value: unknown): Params {
  if (isJsonObject(value)) return { ...value };
  throw new InvalidContent(`The parameter ${name} is not an object`);
}

function nodeParam(value: unknown): AgentNode {
  const node = objectParam('node', value);
  const member = (name: string) =>
    node[name] === undefined || node[name] === null ? {} : objectParam(`node.${name}`, node[name]);
  return {
    uuid: typeof node['uuid'] === 'string' ? node['uuid'] : '',
    properties: member('properties'),
    instance_info: member('instance_info'),
    driver_internal_info: member('driver_internal_info'),
  };
}

const secretName = /configdrive|password|authorization|secret|token|user_data/i;

/** A step as it may stand in the list of commands: conductors compare its name and interface, not its arguments. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value)) {
    const url = new URL(value);
    // Queries carry signatures; a URL without secrets stays as it was written.
    return url.search || url.username || url.password ? url.origin + url.pathname : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      secretName.test(name) && member !== null ? '******' : withoutSecrets(member),
    ]),
  );
}
