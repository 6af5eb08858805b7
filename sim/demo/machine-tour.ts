// One machine through its life, by the API alone, and what its disks and its BMC say of it afterwards.
import { randomBytes } from 'node:crypto';
import type { Clock } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import type { DiskImage } from '../disk-image.ts';
import type { MachineView, Sim } from '../sim.ts';
import type { BareMetalClient, NodeState, Operation } from './bare-metal-client.ts';
import { MachineFailure } from './failure.ts';
import { type ConfigDrive, type Deployed, type Erased, proveDeployed, proveZero } from './proof.ts';
import { type MachineTimeline, timelineOf } from './timeline.ts';
import type { Progress, Sight, View } from './view.ts';

/** What every tour shares. */
export interface TourParts {
  client: BareMetalClient;
  sim: Sim;
  view: View;
  clock: Clock;
  image: DiskImage;
  imageUrl: string;
  /** Ends every wait. */
  signal: AbortSignal;
}

const lookMs = 150;
/** From power to the firmware's choice takes a machine of the sim under a second. */
const bootLimitMs = 20_000;

export class MachineTour {
  readonly machine: MachineView;
  readonly #parts: TourParts;
  readonly #startedAt: number;
  readonly #configDrive: ConfigDrive;
  /** Null until it is enrolled. */
  uuid: string | null = null;
  sight: Sight | null = null;

  constructor(machine: MachineView, parts: TourParts) {
    this.machine = machine;
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#configDrive = makeConfigDrive(machine);
  }

  get name(): string {
    return this.machine.name;
  }

  /** From nothing to a running instance. Throws MachineFailure. */
  async deploy(): Promise<void> {
    await this.#enrol();
    await this.#reach('manage', 'manageable');
    await this.#reach('inspect', 'manageable');
    await this.#reach('provide', 'available');
    const { client, image, imageUrl } = this.#parts;
    await client.setInstanceInfo(this.#enrolled(), {
      image_source: imageUrl,
      image_os_hash_algo: 'sha256',
      image_os_hash_value: image.sha256,
      root_device: { serial: this.#rootDisk().serial },
    });
    await this.#reach('active', 'active', { configdrive: this.#configDrive });
  }

  /** Back to `available`, which takes its cleaning. Throws MachineFailure. */
  async tearDown(): Promise<void> {
    await this.#reach('deleted', 'available');
  }

  /** That the deployment is on the root disk and on no other, and that the machine was started from it. */
  async proveDeployed(): Promise<Deployed> {
    return await this.#proving(async () => {
      const root = this.#rootDisk();
      const proof = await proveDeployed(root.file, this.#parts.image.path, this.#configDriveOnDisk());
      await proveZero(this.machine.disks.filter((disk) => disk !== root).map(({ file }) => file));
      return { ...proof, booted_from: await this.#startedFrom() };
    });
  }

  async proveErased(): Promise<Erased> {
    return await this.#proving(async () => await proveZero(this.machine.disks.map(({ file }) => file)));
  }

  /** Null before it is enrolled. */
  async timeline(): Promise<MachineTimeline | null> {
    return this.uuid === null ? null : timelineOf(await this.#parts.client.events(this.uuid));
  }

  async #enrol(): Promise<void> {
    const { client } = this.#parts;
    const { name, driver_info, properties, macs } = this.machine;
    this.uuid = await client.createNode({
      name,
      driver: 'redfish',
      driver_info,
      properties,
      // Of the two ways to inspect, the one that starts the machine and asks the agent on it.
      inspect_interface: 'agent',
    });
    for (const address of macs) await client.createPort(this.uuid, address);
    await this.#look(this.uuid);
  }

  /** Asks for the verb and follows the machine until it is where that leads. */
  async #reach(verb: string, goal: string, more: Record<string, unknown> = {}): Promise<void> {
    const { client, clock, signal } = this.#parts;
    const uuid = this.#enrolled();
    await client.provision(uuid, verb, more);
    for (;;) {
      const node = await this.#look(uuid);
      if (node.provision_state === goal) return;
      if (hasFailed(node))
        throw new MachineFailure(
          this.name,
          `did not come from '${verb}' to ${goal}: it is in ${node.provision_state}`,
          node.last_error,
        );
      await clock.sleep(lookMs, signal);
    }
  }

  async #look(uuid: string): Promise<NodeState> {
    const { client, view, clock } = this.#parts;
    const [node, operation] = await Promise.all([client.node(uuid), client.operation(uuid)]);
    const step = stepOf(operation);
    this.sight = {
      machine: this.name,
      uuid,
      state: node.provision_state,
      step,
      progress: step === null ? null : progressOf(operation),
      seconds: (clock.now() - this.#startedAt) / 1000,
    };
    view.machine(this.sight);
    return node;
  }

  /** Where the firmware found what runs now, after the last agent. */
  async #startedFrom(): Promise<string> {
    const { sim, signal } = this.#parts;
    const id = this.machine.uuid;
    const lastAgent = sim.log(id).findLast(({ kind }) => kind === 'agent-exit')?.sequence ?? Infinity;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(bootLimitMs)]);
    const entry = await sim.waitFor(
      id,
      ({ kind, sequence }) => kind === 'boot' && sequence > lastAgent,
      limit,
    );
    const { power_state: power, boot_state: runs } = sim.machine(id);
    if (entry.kind !== 'boot' || entry.device !== 'disk' || runs !== 'os' || power !== 'On')
      throw new Error(`its power is ${power}, and its BMC's record does not say that it started from disk`);
    return entry.device;
  }

  async #proving<Proof>(prove: () => Promise<Proof>): Promise<Proof> {
    try {
      return await prove();
    } catch (cause) {
      this.#parts.signal.throwIfAborted();
      const reason = messageOf(cause);
      throw new MachineFailure(this.name, `is not as the API says: ${reason}`, null, { cause });
    }
  }

  /** As it stands on the disk: the service adds to meta_data who the node is. */
  #configDriveOnDisk(): ConfigDrive {
    const meta = { uuid: this.#enrolled(), name: this.name, ...this.#configDrive.meta_data };
    return { ...this.#configDrive, meta_data: meta };
  }

  #rootDisk(): MachineView['disks'][number] {
    const [disk] = this.machine.disks;
    if (disk) return disk;
    throw new TypeError(`The machine ${this.name} was made without a disk`);
  }

  #enrolled(): string {
    if (this.uuid !== null) return this.uuid;
    throw new TypeError(`The machine ${this.name} is not enrolled yet`);
  }
}

/** A stable state that was not asked for is one it fell back to. */
function hasFailed({ provision_state: state, target_provision_state: target }: NodeState): boolean {
  return state.endsWith(' failed') || state === 'error' || target === null;
}

function stepOf(operation: Operation | undefined): string | null {
  if (!operation || !['running', 'waiting', 'failing'].includes(operation.state)) return null;
  return operation.steps[operation.cursor]?.step ?? null;
}

function progressOf(operation: Operation | undefined): Progress | null {
  const { phase, bytes_done: bytesDone, bytes_total: bytesTotal, percent } = operation?.progress ?? {};
  if (typeof phase !== 'string') return null;
  return { phase, bytesDone: bytesDone ?? 0, bytesTotal: bytesTotal ?? null, percent: percent ?? null };
}

/** Different for each machine and each run, so that nothing found on a disk can be of an earlier one. */
function makeConfigDrive({ name, macs }: MachineView): ConfigDrive {
  const mark = randomBytes(16).toString('hex');
  return {
    meta_data: { hostname: name, local_hostname: `${name}.example`, demo_run: mark },
    user_data: `#cloud-config\nhostname: ${name}\nwrite_files:\n  - path: /etc/demo-run\n    content: "${mark}"\n`,
    network_data: {
      links: macs.map((address, at) => ({
        id: `link${at}`,
        type: 'phy',
        ethernet_mac_address: address,
        mtu: 1500,
      })),
      networks: [{ id: 'network0', type: 'ipv4_dhcp', link: 'link0', network_id: 'demo' }],
      services: [],
    },
  };
}
