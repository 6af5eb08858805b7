// The in-band steps: what this agent can do to its machine when cleaning, deploying or in service. A row each, by the
// names, priorities and interfaces of ironic-python-agent (spec agent-api.json#/agent_side/generic_steps).
import { isDeepStrictEqual } from 'node:util';
import type {
  AgentNode,
  HardwareManagerVersions,
  ImageInfo,
  InBandStep,
  StepKind,
  StepsByManager,
} from '#protocol/agent-commands.ts';
import type { AgentContext, CommandRun } from './agent-context.ts';
import { eraseEach, eraseExpress, eraseMetadata, eraseWhole } from './erase.ts';
import type { EraseSettings } from './erase.ts';
import { InvalidContent, UnknownStep, VersionMismatch } from './faults.ts';
import type { Disk } from './hardware.ts';
import { prepareImage } from './prepare-image.ts';
import { disksNotSkipped } from './root-device.ts';

interface StepRow {
  step: string;
  interface: string;
  /** Its priority when done as each kind; absent for the kinds it is not offered in. 0 is only on request. */
  priority: Partial<Record<StepKind, number>>;
  argsinfo?: InBandStep['argsinfo'];
  /** Does the step; what it resolves with is the step's result. May be repeated from the start. */
  run(context: AgentContext, args: Record<string, unknown>, run: CommandRun): Promise<unknown>;
}

const table: StepRow[] = [
  {
    step: 'erase_devices_metadata',
    interface: 'deploy',
    priority: { clean: 99, deploy: 0 },
    run: (context, _args, run) => eraseDisks(context, run, eraseMetadata, { skipsReadOnly: true }),
  },
  {
    step: 'erase_devices',
    interface: 'deploy',
    priority: { clean: 10 },
    // IPA hardware.py erase_block_device: [deploy]erase_skip_read_only, by way of the node.
    run: (context, _args, run) =>
      eraseDisks(context, run, eraseWhole, {
        skipsReadOnly: context.knowledge.node?.driver_internal_info['agent_erase_skip_read_only'] === true,
      }),
  },
  {
    step: 'erase_devices_express',
    interface: 'deploy',
    priority: { clean: 0 },
    run: (context, _args, run) => eraseDisks(context, run, eraseExpress, { skipsReadOnly: true }),
  },
  {
    step: 'write_image',
    interface: 'deploy',
    priority: { deploy: 0, service: 0 },
    argsinfo: {
      image_info: { description: 'The image, as a conductor describes it', required: true },
      configdrive: { description: 'The config drive: gzip and base64, or its URL', required: false },
    },
    async run(context, { image_info: image, configdrive }, run) {
      if (typeof image !== 'object' || image === null)
        throw new InvalidContent('The step write_image needs the argument image_info');
      // What is in it is checked by whoever acts on it.
      return prepareImage(
        context,
        { image_info: image as ImageInfo, configdrive: typeof configdrive === 'string' ? configdrive : null },
        run,
      );
    },
  },
];

/** The key of this agent's steps: as the one in IPA that every machine has, so that nobody must tell them apart. */
const managerName = 'GenericHardwareManager';
export const managerVersions: HardwareManagerVersions = { generic_hardware_manager: '1.2' };

/** The steps of a kind as `get_<kind>_steps` lists them, each name once. */
export function listSteps(kind: StepKind): StepsByManager {
  const steps = table.flatMap((row): InBandStep[] => {
    const priority = row.priority[kind];
    if (priority === undefined) return [];
    return [
      {
        step: row.step,
        priority,
        interface: row.interface,
        reboot_requested: false,
        ...(kind === 'clean' && { abortable: true }),
        ...(row.argsinfo && { argsinfo: row.argsinfo }),
      },
    ];
  });
  return { [managerName]: steps };
}

export interface StepRequest {
  step: { step: string; interface: string; args?: Record<string, unknown> } & Record<string, unknown>;
  node: AgentNode;
  /** The versions the steps were listed with; absent when the sender does not care. */
  versions: HardwareManagerVersions | null;
}

/**
 * Runs a step; resolves with its result.
 * @throws VersionMismatch before anything is done, UnknownStep, or what the step throws.
 */
export async function executeStep(
  kind: StepKind,
  context: AgentContext,
  { step, versions }: StepRequest,
  run: CommandRun,
): Promise<unknown> {
  if (versions !== null && !isDeepStrictEqual(versions, managerVersions))
    throw new VersionMismatch(
      `The ${kind} steps were listed by other hardware managers (${JSON.stringify(versions)}) than run now (${JSON.stringify(managerVersions)})`,
    );
  const row = table.find((candidate) => candidate.step === step.step);
  if (row?.priority[kind] === undefined) throw new UnknownStep(kind, step.step);
  context.log.info(`${kind} step ${step.step} begins`);
  const result = await row.run(context, step.args ?? {}, run);
  context.log.info(`${kind} step ${step.step} is done`);
  return result ?? null;
}

async function eraseDisks(
  { hardware, knowledge: { node }, log, signal }: AgentContext,
  { report }: CommandRun,
  erase: (disk: Disk, settings: EraseSettings) => Promise<void>,
  { skipsReadOnly }: Pick<EraseSettings, 'skipsReadOnly'>,
) {
  const disks = await hardware.disks();
  const allowed = new Set(
    disksNotSkipped(
      disks.map((disk) => disk.facts),
      node,
    ),
  );
  await eraseEach(
    disks.filter(({ facts }) => allowed.has(facts)),
    { skipsReadOnly, report, log, signal },
    erase,
  );
}
