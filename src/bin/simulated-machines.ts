// What `--sim N` puts beside the service: machines to try it on, and what to type.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeDiskImage } from '#sim/disk-image.ts';
import { type MachineView, startSim } from '#sim/sim.ts';
import { type StandInRamdisk, writeStandInRamdisk } from '#sim/stand-in-ramdisk.ts';
import { agentEntry } from './service.ts';

export interface SimulatedMachines {
  /** What the machines boot to run the agent. */
  readonly bootFiles: StandInRamdisk;
  /** How to enrol and deploy them, for the person at the terminal. */
  introduction(apiUrl: string): string;
  close(): Promise<void>;
}

const imageBytes = 256 * 1024 ** 2;

/** Starts machines with their disks, and an image to put on them, below the data folder. */
export async function startSimulatedMachines(count: number, dataPath: string): Promise<SimulatedMachines> {
  const folder = resolve(join(dataPath, 'sim'));
  const imagesFolder = join(folder, 'images');
  const bootFiles = await writeStandInRamdisk(join(folder, 'ramdisk'));
  const sha256 = await ensureImage(imagesFolder);
  const sim = await startSim({
    machines: count,
    kind: 'process',
    bmcs: 'each',
    dataFolder: folder,
    imagesFolder,
    agentEntry,
  });
  return {
    bootFiles,
    introduction: (apiUrl) =>
      [
        `Simulated machines, each behind a Redfish BMC of its own (control: ${sim.url}/sim/v1/machines). To enrol them:`,
        '',
        `export OS_AUTH_TYPE=none OS_ENDPOINT=${apiUrl}`,
        ...sim.list().flatMap(enrolment),
        '',
        'An image to deploy:',
        '',
        `openstack baremetal node set NAME --instance-info image_source=${sim.images?.url}disk.img \\`,
        `  --instance-info image_os_hash_algo=sha256 --instance-info image_os_hash_value=${sha256}`,
        '',
      ].join('\n'),
    close: async () => await sim.close(),
  };
}

function enrolment(machine: MachineView): string[] {
  const info = Object.entries(machine.driver_info).map(([name, value]) => `--driver-info ${name}=${value}`);
  return [
    `openstack baremetal node create --driver redfish --name ${machine.name} \\`,
    `  ${info.join(' ')}`,
    ...machine.macs.map(
      (mac) =>
        `openstack baremetal port create ${mac} --node $(openstack baremetal node show ${machine.name} -f value -c uuid)`,
    ),
  ];
}

/** Makes the image at the first start, and keeps it with its checksum for the next ones. */
async function ensureImage(folder: string): Promise<string> {
  const path = join(folder, 'disk.img');
  const checksumFile = `${path}.sha256`;
  if (existsSync(path) && existsSync(checksumFile)) return (await readFile(checksumFile, 'utf8')).trim();
  await mkdir(folder, { recursive: true });
  const { sha256 } = await makeDiskImage(path, { sizeBytes: imageBytes });
  await writeFile(checksumFile, `${sha256}\n`);
  return sha256;
}
