// What `--sim N` puts beside the service: machines to try it on, and what to type.
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeDiskImage } from '#sim/disk-image.ts';
import { introduce } from '#sim/introduction.ts';
import { startSim, type Sim, type SimOptions } from '#sim/sim.ts';
import { type StandInRamdisk, writeStandInRamdisk } from '#sim/stand-in-ramdisk.ts';
import { StartError } from './start-error.ts';

export interface SimulatedMachines {
  /** What the machines boot to run the agent. */
  readonly bootFiles: StandInRamdisk;
  /** How to enrol and deploy them, for the person at the terminal. */
  introduction(apiUrl: string): string;
  close(): Promise<void>;
}

const imageBytes = 256 * 1024 ** 2;

/**
 * Starts machines with their disks, and an image to put on them, below the data folder. The machines of an earlier
 * start are there again, behind the same BMCs. Throws StartError when somebody else has their ports.
 */
export async function startSimulatedMachines(count: number, dataPath: string): Promise<SimulatedMachines> {
  const folder = resolve(join(dataPath, 'sim'));
  const imagesFolder = join(folder, 'images');
  const bootFiles = await writeStandInRamdisk(join(folder, 'ramdisk'));
  const sha256 = await ensureImage(imagesFolder);
  const sim = await startOnKeptPorts(join(folder, 'first-port'), {
    kind: 'process',
    bmcs: 'each',
    dataFolder: folder,
    imagesFolder,
  });
  try {
    for (let number = 1; number <= count; number += 1) await sim.createMachine({ name: `sim-${number}` });
  } catch (error) {
    await sim.close();
    throw portTaken(error, join(folder, 'first-port'));
  }
  return {
    bootFiles,
    introduction: (apiUrl) =>
      introduce({
        apiUrl,
        controlUrl: sim.url,
        image: { url: `${sim.images?.url}disk.img`, sha256 },
        machines: sim.list(),
        afterwards: 'the next start has the same machines with the same disks, switched off.',
      }),
    close: async () => await sim.close(),
  };
}

/** Below the ports that the system hands out to whoever connects to something. */
const ports = { from: 20_000, before: 30_000 };

/** An enrolled node knows its BMC by the port, and the image too: at the next start they must be where they were. */
async function startOnKeptPorts(file: string, options: SimOptions): Promise<Sim> {
  const kept = Number(await readFile(file, 'utf8').catch(() => '0'));
  if (kept > 0)
    return await startFrom(kept, options).catch((error) => Promise.reject(portTaken(error, file)));
  for (let attempt = 1; ; attempt += 1) {
    const first = randomInt(ports.from, ports.before);
    try {
      const sim = await startFrom(first, options);
      await writeFile(file, `${first}\n`);
      return sim;
    } catch (error) {
      if (!isPortTaken(error) || attempt === 10) throw error;
    }
  }
}

async function startFrom(first: number, options: SimOptions): Promise<Sim> {
  return await startSim({ ...options, port: first, imagesPort: first + 1, bmcPort: first + 2 });
}

function isPortTaken(error: unknown): error is Error & { port: number } {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function portTaken(error: unknown, file: string): unknown {
  if (!isPortTaken(error)) return error;
  return new StartError(
    `The port ${error.port} of the simulated machines is taken, by an Ingot with the same data or by another program. ` +
      `End that, or delete ${file} to move them to other ports, which enrolled nodes then have to be told.`,
    { cause: error },
  );
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
