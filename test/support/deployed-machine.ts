// One machine on its way through cleaning and deployment, and everything by which it would show that something was
// done to it twice.
import assert from 'node:assert/strict';
import { link, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '#sim/checkpoints.ts';
import type { LogEntry } from '#sim/machine-log.ts';
import type { MachineView } from '#sim/sim.ts';
import type { BareMetalClient } from './bare-metal-client.ts';
import { createMachine, type DataCentre, enrol } from './data-centre.ts';
import { holdsImage } from './tiny-image.ts';

export interface DeployedMachine {
  readonly machine: MachineView;
  readonly uuid: string;
  readonly imagePath: string;
  /** Whether it is cleaned on its way to available. */
  readonly isCleaned: boolean;
}

/** A boundary by its name and how often it came up before, since a step that waits runs more than once. */
export interface Boundary {
  readonly name: string;
  readonly occurrence: number;
}

/** A machine with an image URL of its own, so that what was fetched for it can be told. */
export async function aManageableMachine(
  centre: DataCentre,
  client: BareMetalClient,
  { isCleaned }: { isCleaned: boolean },
): Promise<DeployedMachine> {
  const machine = await createMachine(centre.sim);
  const imagePath = `/${machine.name}.img`;
  await link(centre.image.path, join(centre.folder, 'images', imagePath));
  const uuid = await enrol(client, machine, centre, {
    automated_clean: isCleaned,
    instance_info: {
      image_source: new URL(imagePath.slice(1), centre.images.url).href,
      image_checksum: centre.image.sha256,
    },
  });
  await client.provision(uuid, 'manage');
  await client.untilState(uuid, 'manageable');
  return { machine, uuid, imagePath, isCleaned };
}

/** Everything that would show in the BMC's record, the agent's log or the image server had something been done twice. */
export async function assertNothingTwice(centre: DataCentre, deployed: DeployedMachine): Promise<void> {
  const { machine, uuid, imagePath, isCleaned } = deployed;
  const log = centre.sim.log(machine.name);
  assert.ok(await holdsImage(machine.disks[0]?.file ?? '', centre.image), 'the image is on the disk');

  const boots = log.filter((entry) => entry.kind === 'agent-start').length;
  assert.equal(boots, isCleaned ? 2 : 1, 'the agent is booted once for each flow');
  const starts = resets(log).filter((type) => type === 'On').length;
  assert.equal(starts, boots + 1, 'the machine is powered on for each agent and for its image');
  const others = resets(log).filter((type) => type !== 'On');
  assert.ok(others.length <= (isCleaned ? 2 : 1), `the machine is not reset besides: ${others.join(', ')}`);
  assertNoAgentIsCutOff(centre, log, uuid);

  const agentLog = await readFile(machine.agent_log ?? '', 'utf8');
  const cleaning = isCleaned ? ['erase_devices_metadata', 'erase_devices'] : [];
  assert.deepEqual(
    [...agentLog.matchAll(/(\w+) step (\w+) begins/g)].map(([, , step]) => step),
    [...cleaning, 'write_image'],
    'each step of the agent begins once',
  );
  const fetched = centre.images.requests.filter(({ method, path }) => method === 'GET' && path === imagePath);
  assert.deepEqual(
    fetched.map(({ outcome }) => outcome),
    ['whole'],
    'the image is fetched once',
  );
}

/** Resets that had an effect. */
function resets(log: readonly LogEntry[]): unknown[] {
  return log.flatMap((entry) =>
    entry.kind === 'action' && entry.action === 'ComputerSystem.Reset' && entry.result === 'done'
      ? [entry.detail['ResetType']]
      : [],
  );
}

/** Power goes only from an agent whose work the service knows to be over. */
function assertNoAgentIsCutOff({ sim }: DataCentre, log: readonly LogEntry[], uuid: string): void {
  const cut = log.filter((entry) => entry.kind === 'agent-exit' && entry.because !== null);
  for (const { at } of cut) {
    const last = sim.checkpoints.reached.findLast(
      (checkpoint: Checkpoint) => checkpoint.node === uuid && checkpoint.at <= at,
    );
    assert.match(last?.name ?? '', /tear_down/, `the agent was cut off at ${last?.name}`);
  }
}

/** How often a boundary of a step that is polled is looked at: its first run, and the one that finds it done. */
const occurrences = 2;

/** Every boundary of clean and deploy that the node came to, in their order. */
export function boundariesOf({ sim }: DataCentre, uuid: string): Boundary[] {
  const counts = new Map<string, number>();
  return sim.checkpoints.reached.flatMap(({ node, name }) => {
    if (node !== uuid || !/^(clean|deploy):/.test(name)) return [];
    const occurrence = (counts.get(name) ?? 0) + 1;
    counts.set(name, occurrence);
    return occurrence <= occurrences ? [{ name, occurrence }] : [];
  });
}
