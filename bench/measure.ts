// One measurement: how long, how much processor time, and what else ran on the machine meanwhile.
import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessGroup, readMachineTime } from './processes.ts';
import { percentile } from './statistics.ts';

/** What a phase did. */
export interface Work {
  operations: number;
  /** Of each operation where each was answered by itself; empty otherwise. */
  latencies: number[];
  /** Bytes of the last answer, where it says something. */
  bytes?: number;
  /** Requests that were sent again because the server asked for it. */
  retries?: number;
}

export interface Measurement {
  phase: string;
  operations: number;
  seconds: number;
  perSecond: number;
  p50: number | null;
  p99: number | null;
  /** Processor time of the server's processes for each operation. */
  cpuMilliseconds: number;
  clientCpuSeconds: number;
  /** The part of the machine that neither the server nor this client took, 0 to 1. */
  othersShare: number;
  /** A fixed piece of work just before the phase: tells a slow machine from slow software. */
  calibrationMilliseconds: number;
  bytes: number | null;
  retries: number;
  /** Of the server's processes, just after the phase. */
  residentMegabytes: number;
}

export interface Gauge {
  server: ProcessGroup;
  ticksPerSecond: number;
  /** How long to wait at most for a quiet spell before a phase begins. */
  quietWaitSeconds: number;
}

const calibrationData = Buffer.alloc(32 * 1024 * 1024, 'ingot');

/** Waits for a quiet spell, does the work, and says what it took. */
export async function measure(gauge: Gauge, phase: string, work: () => Promise<Work>): Promise<Measurement> {
  await untilQuiet(gauge);
  const calibrationMilliseconds = calibrate();
  const before = read(gauge);
  const done = await work();
  const after = read(gauge);
  const seconds = after.at - before.at;
  const serverCpu = after.server - before.server;
  const clientCpu = after.client - before.client;
  const others = after.machine.busy - before.machine.busy - serverCpu - clientCpu;
  return {
    phase,
    operations: done.operations,
    seconds,
    perSecond: done.operations / seconds,
    p50: percentile(done.latencies, 0.5),
    p99: percentile(done.latencies, 0.99),
    cpuMilliseconds: (serverCpu * 1000) / done.operations,
    clientCpuSeconds: clientCpu,
    othersShare: Math.max(0, others / (after.machine.total - before.machine.total)),
    calibrationMilliseconds,
    bytes: done.bytes ?? null,
    retries: done.retries ?? 0,
    residentMegabytes: gauge.server.memory().residentMegabytes,
  };
}

/** Lets `concurrency` workers do the operation again and again until the time is over. */
export async function repeatFor(
  seconds: number,
  concurrency: number,
  operation: (index: number) => Promise<number | void>,
): Promise<Work> {
  const end = performance.now() + seconds * 1000;
  return await drive(concurrency, (index) => (performance.now() < end ? index : undefined), operation);
}

/** Does the operation for 0, 1, … `count` - 1, `concurrency` at a time. */
export async function repeatTimes(
  count: number,
  concurrency: number,
  operation: (index: number) => Promise<number | void>,
): Promise<Work> {
  return await drive(concurrency, (index) => (index < count ? index : undefined), operation);
}

async function drive(
  concurrency: number,
  take: (index: number) => number | undefined,
  operation: (index: number) => Promise<number | void>,
): Promise<Work> {
  const latencies: number[] = [];
  let next = 0;
  let bytes: number | undefined;
  const worker = async (): Promise<void> => {
    for (let index = take(next++); index !== undefined; index = take(next++)) {
      const begun = performance.now();
      bytes = (await operation(index)) ?? bytes;
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { operations: latencies.length, latencies, ...(bytes === undefined ? {} : { bytes }) };
}

function read({ server, ticksPerSecond }: Gauge) {
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now() / 1000,
    server: server.cpuSeconds(),
    client: (user + system) / 1e6,
    machine: readMachineTime(ticksPerSecond),
  };
}

/** Returns when others took less than a tenth of the machine for 400 ms, or when the wait is over. */
async function untilQuiet(gauge: Gauge): Promise<void> {
  const end = performance.now() + gauge.quietWaitSeconds * 1000;
  while (performance.now() < end) {
    const before = read(gauge);
    await sleep(400);
    const after = read(gauge);
    const own = after.server - before.server + after.client - before.client;
    const busy = after.machine.busy - before.machine.busy - own;
    if (busy < 0.1 * (after.machine.total - before.machine.total)) return;
  }
}

/** Processor time of this process for a fixed piece of work, in milliseconds. */
export function calibrate(): number {
  const before = process.cpuUsage();
  // Native code: a loop of our own would be timed by what the compiler made of it that time.
  hash('sha512', calibrationData);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
