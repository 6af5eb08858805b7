// The demo from its empty folder to its result.
import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { type DiskImage, makeDiskImage } from '../disk-image.ts';
import { type MachineView, type Sim, startSim } from '../sim.ts';
import { writeStandInRamdisk } from '../stand-in-ramdisk.ts';
import { BareMetalClient } from './bare-metal-client.ts';
import { DemoFailure, MachineFailure } from './failure.ts';
import { MachineTour } from './machine-tour.ts';
import type { DemoOptions } from './options.ts';
import type { DemoResult, Failed, MachineResult } from './result.ts';
import { type ServiceProcess, startService } from './service-process.ts';
import { count } from './text.ts';
import { fastTrackSaving, slowestSteps } from './timeline.ts';
import { slownessText, timelineText } from './timeline-table.ts';
import type { View } from './view.ts';

const mebibyte = 1024 ** 2;
const imageBytes = 256 * mebibyte;
/** The first is named to be the root disk; the second is there to stay untouched. Files without content at first. */
const disks = [{ sizeBytes: 2048 * mebibyte }, { sizeBytes: 512 * mebibyte }];
/** The image and the config drive's partition, and some for the table. */
const bytesPerMachine = imageBytes + 80 * mebibyte;

export interface DemoParts {
  options: DemoOptions;
  view: View;
  /** Empty, and of this run alone. */
  folder: string;
  /** Takes what is to be ended when the demo ends. */
  resources: AsyncDisposableStack;
  signal: AbortSignal;
}

export interface DemoRun {
  result: DemoResult;
  /** Absent when it did not come that far. */
  running?: { service: ServiceProcess; sim: Sim };
}

/** Shows all there is to show. Never throws for something that is not as it should be: the result says it. */
export async function runDemo(parts: DemoParts): Promise<DemoRun> {
  const startedAt = performance.now();
  const result: DemoResult = {
    ok: false,
    seconds: 0,
    url: null,
    image: null,
    machines: [],
    faster: [],
    fast_track_saves_seconds: 0,
    failures: [],
    folder: parts.folder,
  };
  const run: DemoRun = { result };
  try {
    await show(parts, run);
  } catch (error) {
    result.failures.push(failureOf(error, parts.signal));
  }
  result.ok = result.failures.length === 0;
  result.seconds = Number(((performance.now() - startedAt) / 1000).toFixed(2));
  return run;
}

async function show(parts: DemoParts, run: DemoRun): Promise<void> {
  const { options, view, signal } = parts;
  const { result } = run;
  const { service, sim, machines, image } = await setUp(parts);
  run.running = { service, sim };
  result.url = service.url;
  result.image = { bytes: image.sizeBytes, sha256: image.sha256 };
  view.heading(
    `${options.machines} machine${options.machines === 1 ? '' : 's'}, from bare BMC to running image`,
  );
  view.say(`  API ${service.url} (pid ${service.pid}), image of ${count(image.sizeBytes)} bytes`);

  const ended = AbortSignal.any([signal, service.ended]);
  const client = new BareMetalClient(service.url, ended);
  const imageUrl = `${sim.images?.url}${imageName}`;
  const tourParts = { client, sim, view, clock: systemClock, image, imageUrl, signal: ended };
  const tours = machines.map((machine) => new MachineTour(machine, tourParts));
  try {
    await showTours({ ...parts, signal: ended }, result, tours);
  } finally {
    for (const [at, { sight, uuid }] of tours.entries())
      Object.assign(machineResult(result, tours, at), { state: sight?.state ?? null, uuid });
  }
}

async function showTours(parts: DemoParts, result: DemoResult, tours: readonly MachineTour[]): Promise<void> {
  const { view, signal } = parts;
  const attempt = async (tour: MachineTour, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      // What ends all of them is told once, by whoever caught it last.
      signal.throwIfAborted();
      result.failures.push(failureOf(error, signal, tour.name));
      view.proved(tour.name, messageOf(error), false);
      return false;
    }
  };
  const deployed = await Promise.all(
    tours.map(async (tour) => await attempt(tour, async () => await tour.deploy())),
  );
  view.settle();

  if (deployed.includes(true)) view.heading('What is on the disks, byte for byte');
  for (const [at, tour] of tours.entries()) {
    if (!deployed[at]) continue;
    await attempt(tour, async () => {
      const proof = await tour.proveDeployed();
      machineResult(result, tours, at).deployed = proof;
      const { bytes_equal: equal, bytes_rewritten: rewritten } = proof;
      view.proved(
        tour.name,
        `image: ${count(equal)} bytes equal, ${rewritten} of its GPT fitted to this disk`,
        true,
      );
      view.proved('', `config drive: ${proof.config_drive.files.join(', ')}`, true);
      view.proved('', 'other disks untouched; its BMC says that it started from disk', true);
    });
  }

  const [first, firstIsDeployed] = [tours[0], deployed[0]];
  if (first && firstIsDeployed) {
    view.heading(`${first.name} is torn down`);
    await attempt(first, async () => {
      await first.tearDown();
      view.settle();
      const proof = await first.proveErased();
      machineResult(result, tours, 0).erased = proof;
      view.proved(
        first.name,
        `erased: ${count(proof.bytes_zero)} bytes read as zero, no partition table`,
        true,
      );
    });
  }
  await tellTimelines(view, result, tours);
}

async function tellTimelines(view: View, result: DemoResult, tours: readonly MachineTour[]): Promise<void> {
  const known = [];
  for (const [at, tour] of tours.entries()) {
    const timeline = await tour.timeline();
    machineResult(result, tours, at).timeline = timeline;
    if (timeline) known.push({ name: tour.name, timeline });
  }
  if (known.length === 0) return;
  const timelines = known.map(({ timeline }) => timeline);
  result.faster = slowestSteps(timelines, 4);
  result.fast_track_saves_seconds = fastTrackSaving(timelines);
  view.heading('Where the time went');
  view.say(timelineText(known));
  view.heading('Where it could be faster');
  view.say(slownessText(result.faster, result.fast_track_saves_seconds));
}

const imageName = 'disk.img';

/** Image, machines and service, side by side. */
async function setUp({ options, view, folder, resources, signal }: DemoParts): Promise<{
  service: ServiceProcess;
  sim: Sim;
  machines: MachineView[];
  image: DiskImage;
}> {
  await checkRoom(folder, options.machines);
  view.say('Making a disk image and simulated machines, and starting the service …');
  const imagesFolder = join(folder, 'images');
  await mkdir(imagesFolder);
  const ramdisk = await writeStandInRamdisk(join(folder, 'ramdisk'));
  const sim = resources.use(await startSim({ kind: 'process', dataFolder: folder, imagesFolder }));
  const starting = startService(folder, ramdisk, signal).then((service) => resources.use(service));
  const [service, image] = await Promise.all([
    starting,
    makeDiskImage(join(imagesFolder, imageName), { sizeBytes: imageBytes }),
  ]);
  const machines: MachineView[] = [];
  for (let number = 1; number <= options.machines; number += 1)
    machines.push(await sim.createMachine({ name: `demo-${number}`, disks }));
  return { service, sim, machines, image };
}

/** Throws DemoFailure when the disk under the folder is too small for what will be written. */
async function checkRoom(folder: string, machines: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = imageBytes + machines * bytesPerMachine;
  if (bavail * bsize >= needed) return;
  throw new DemoFailure(
    `${machines} machines need ${Math.ceil(needed / mebibyte)} MiB below ${folder}, where ${Math.floor((bavail * bsize) / mebibyte)} MiB are free; set TMPDIR to a place with more`,
  );
}

function machineResult(result: DemoResult, tours: readonly MachineTour[], at: number): MachineResult {
  return (result.machines[at] ??= {
    name: tours[at]?.name ?? '',
    uuid: null,
    state: null,
    deployed: null,
    erased: null,
    timeline: null,
  });
}

function failureOf(error: unknown, signal: AbortSignal, machine: string | null = null): Failed {
  const cause = signal.aborted ? signal.reason : error;
  const message = messageOf(cause);
  const reason = cause instanceof Error && cause.cause instanceof Error ? ` (${cause.cause.message})` : '';
  if (cause instanceof MachineFailure)
    return { machine: cause.machine, error: message, last_error: cause.lastError };
  return {
    machine,
    error: machine === null ? message + reason : `${machine}: ${message}${reason}`,
    last_error: null,
  };
}

/** May be repeated. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
