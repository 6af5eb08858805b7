import { MissingParameterValue } from '#model/faults.ts';
import { wireTime } from '#model/clock.ts';
import type { RaidInterface } from '../interfaces/others.ts';
import { logicalDiskProperties } from '../logical-disk-properties.ts';
import { isRoot, type LogicalDisk, parseRaidConfiguration } from '../raid-configuration.ts';
import { defineStep, type StepArgument, type StepOutcome } from '../steps.ts';
import type { Task } from '../task.ts';
import type { Delay } from './delay.ts';

const which: Readonly<Record<string, StepArgument>> = {
  create_root_volume: { description: 'Whether to make the root volume; by default so', required: false },
  create_nonroot_volumes: { description: 'Whether to make the others; by default so', required: false },
  delete_existing: { description: 'Whether to remove what is there first; by default so', required: false },
};

/** The node's record is the controller. Its steps are Ironic's of a real one, so that a RAID can be tried out. */
export function fakeRaid(delay: Delay): RaidInterface {
  return {
    properties: {},
    async validate() {},
    logicalDiskProperties,
    steps: [
      defineStep({
        step: 'create_configuration',
        flows: { clean: 0 },
        args: which,
        async run(task, args) {
          const { target_raid_config: target, uuid } = task.node;
          if (Object.keys(target).length === 0)
            throw new MissingParameterValue(`Node ${uuid} has no target_raid_config to make.`);
          return await make(task, target, args);
        },
      }),
      defineStep({
        step: 'apply_configuration',
        flows: { deploy: 0, service: 0 },
        args: { raid_config: { description: 'What to make', required: true }, ...which },
        run: async (task, { raid_config: wanted, ...args }) => await make(task, wanted, args),
      }),
      defineStep({
        step: 'delete_configuration',
        flows: { clean: 0, deploy: 0, service: 0 },
        async run(task) {
          await delay(task, 'raid_delay');
          return { kind: 'done', changes: { raid_config: {} } };
        },
      }),
    ],
  };

  async function make(
    task: Task,
    wanted: unknown,
    args: Readonly<Record<string, unknown>>,
  ): Promise<StepOutcome> {
    const { logical_disks: all } = parseRaidConfiguration(wanted);
    const isMade = (disk: LogicalDisk): boolean =>
      args[isRoot(disk) ? 'create_root_volume' : 'create_nonroot_volumes'] !== false;
    await delay(task, 'raid_delay');
    const logical_disks = [
      ...(args['delete_existing'] === false ? disksOf(task) : []),
      ...all.filter(isMade),
    ];
    const last_updated = wireTime(task.clock.now());
    return { kind: 'done', changes: { raid_config: { logical_disks, last_updated } } };
  }
}

function disksOf({ node }: Task): unknown[] {
  const { logical_disks: disks } = node.raid_config;
  return Array.isArray(disks) ? disks : [];
}
