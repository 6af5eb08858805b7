// Simulated machines, an image server, and what the service has to be told to work with them.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Configuration } from '#sim/cluster/configuration-file.ts';
import { type ImageServer } from '#sim/image-server.ts';
import { type MachineSpec, type MachineView, type Sim, type SimOptions, startSim } from '#sim/sim.ts';
import { writeStandInRamdisk } from '#sim/stand-in-ramdisk.ts';
import type { BareMetalClient } from './bare-metal-client.ts';
import { makeTinyImage, type TinyImage } from './tiny-image.ts';

const mebibyte = 1024 ** 2;
export const tinyDisk = { sizeBytes: 64 * mebibyte };

export interface DataCentre extends AsyncDisposable {
  readonly folder: string;
  readonly sim: Sim;
  readonly images: ImageServer;
  readonly image: TinyImage;
  readonly imageUrl: string;
  /** Makes the service quick enough for machines that take a fraction of the time of real ones. */
  readonly configuration: Configuration;
}

/** In a temporary folder, gone with everything in it at the end. */
export async function openDataCentre(
  options: { imageBytes?: number; sim?: SimOptions } = {},
): Promise<DataCentre> {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-test-'));
  const imagesFolder = join(folder, 'images');
  await mkdir(imagesFolder);
  const image = await makeTinyImage(join(imagesFolder, 'disk.img'), options.imageBytes ?? 8 * mebibyte);
  const ramdisk = await writeStandInRamdisk(join(folder, 'ramdisk'));
  const sim = await startSim({
    kind: 'process',
    dataFolder: join(folder, 'sim'),
    imagesFolder,
    timeScale: 0.2,
    ...options.sim,
  });
  const { images } = sim;
  if (!images) throw new Error('The simulator was started without images');
  return {
    folder,
    sim,
    images,
    image,
    imageUrl: `${images.url}disk.img`,
    configuration: {
      conductor: {
        deploy_kernel: pathToFileURL(ramdisk.kernel).href,
        deploy_ramdisk: pathToFileURL(ramdisk.ramdisk).href,
        graceful_shutdown_timeout: 3,
        node_locked_retry_interval: 0.1,
        check_provision_state_interval: 1,
      },
      agent: { require_tls: false, command_wait_interval: 0.1 },
      redfish: {
        kernel_append_params:
          'ipa-heartbeat-min-gap=0.2 ipa-inspection-retry-interval=0.2 ipa-lookup-interval=0.2 ' +
          'ipa-image-download-connection-retry-interval=0.1 ipa-image-download-connection-retries=3',
      },
      ingot: { driver_poll_interval: 0.1, checkpoint_url: `${sim.url}/sim/v1/checkpoints` },
    },
    async [Symbol.asyncDispose]() {
      await sim.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A machine with one small disk unless said otherwise. */
export async function createMachine(sim: Sim, spec: MachineSpec = {}): Promise<MachineView> {
  return await sim.createMachine({ kind: 'process', disks: [tinyDisk], ...spec });
}

/** Enrols the machine with what is needed to deploy the image on it, and gives the node's UUID. */
export async function enrol(
  client: BareMetalClient,
  machine: MachineView,
  centre: DataCentre,
  more: Record<string, unknown> = {},
): Promise<string> {
  return await client.createNode(
    {
      name: machine.name,
      driver: 'redfish',
      driver_info: machine.driver_info,
      // Without hints no disk as small as these would be chosen.
      properties: { ...machine.properties, root_device: { name: '/dev/sda' } },
      instance_info: { image_source: centre.imageUrl, image_checksum: centre.image.sha256 },
      boot_interface: 'redfish-virtual-media',
      ...more,
    },
    machine.macs,
  );
}

/** Brings a node from enroll to available, cleaning included. */
export async function makeAvailable(client: BareMetalClient, uuid: string): Promise<void> {
  await client.provision(uuid, 'manage');
  await client.untilState(uuid, 'manageable');
  await client.provision(uuid, 'provide');
  await client.untilState(uuid, 'available');
}
