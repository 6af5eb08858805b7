// Many at once on one conductor: deployments that all are under way, and streams of events that all are open.
import { randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from './bench-error.ts';
import { Client } from './client.ts';
import { describeLatency, type Latency, probeWhile } from './latency-probe.ts';
import { changeAll, changes } from './lifecycle.ts';
import { repeatFor, repeatTimes } from './measure.ts';
import { aFakeNode, createNode } from './nodes.ts';
import { ProcessGroup, readTicksPerSecond } from './processes.ts';
import { startIngot } from './targets.ts';

export interface CrowdOptions {
  /** So many deployments, and so many streams. */
  readonly count: number;
  readonly seconds: number;
  /** How long a fake deployment works on its step: long enough that all of them are under way together. */
  readonly deploySeconds?: number;
}

export interface CrowdResult {
  readonly deployments: {
    readonly count: number;
    readonly seconds: number;
    readonly cpuMilliseconds: number;
    readonly show: Latency;
    /** The longest time between two signs of life of the conductor. */
    readonly longestSilenceSeconds: number;
    readonly heartbeatSeconds: number;
  };
  readonly streams: {
    readonly count: number;
    readonly showsPerSecondWithout: number;
    readonly showsPerSecondWith: number;
    /** What the streams took of a processor, beside the shows: so much of the rate is theirs. */
    readonly load: number;
    readonly framesHeard: number;
  };
}

const heartbeatSeconds = 2;
const probesPerSecond = 50;
const writers = 8;

function configuration(count: number, deploySeconds: number): string {
  return `[DEFAULT]
host = bench
enabled_hardware_types = fake-hardware
[conductor]
heartbeat_interval = ${heartbeatSeconds}
workers_pool_size = ${count}
max_concurrent_deploy = ${count}
[fake]
deploy_delay = ${deploySeconds}
`;
}

/** Starts Ingot, measures, ends it. `tell` hears of the progress. */
export async function runCrowd(
  { count, seconds, deploySeconds = 20 }: CrowdOptions,
  tell: (line: string) => void,
): Promise<CrowdResult> {
  const target = await startIngot([], configuration(count, deploySeconds));
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => await target.stop());
  const client = stack.use(new Client(target.url, 32));
  const processes = new ProcessGroup(target.pids, readTicksPerSecond());
  const resourceClass = `crowd-${randomUUID().slice(0, 8)}`;
  const uuids = Array.from({ length: count }, () => randomUUID());

  tell(`enrols ${count} nodes`);
  await repeatTimes(count, writers, async (index) => {
    await createNode(client, aFakeNode(uuids[index] ?? '', `${resourceClass}-${index}`, resourceClass));
  });
  for (const phase of ['manage', 'provide'])
    await changeAll(client, uuids, resourceClass, changeNamed(phase));

  tell(`streams: ${count} at once`);
  const streams = await measureStreams(client, target.url, processes, uuids, { count, seconds });

  tell(`deployments: ${count} at once, each with steps of ${deploySeconds} s`);
  const cpuBefore = processes.cpuSeconds();
  const begun = performance.now();
  const silence = new SilenceWatch(client);
  const { latency: show } = await probeWhile(
    client,
    (index) => `/v1/nodes/${uuids[index % count]}`,
    probesPerSecond,
    async () =>
      await silence.during(async () => await changeAll(client, uuids, resourceClass, changeNamed('deploy'))),
  );
  return {
    deployments: {
      count,
      seconds: (performance.now() - begun) / 1000,
      cpuMilliseconds: ((processes.cpuSeconds() - cpuBefore) * 1000) / count,
      show,
      longestSilenceSeconds: silence.longestSeconds,
      heartbeatSeconds,
    },
    streams,
  };
}

function changeNamed(phase: string) {
  const change = changes.find((one) => one.phase === phase);
  if (!change) throw new BenchError(`There is no change '${phase}'.`);
  return change;
}

/** Looks at the conductor's record to see how regularly it says that it lives. */
class SilenceWatch {
  readonly #client: Client;
  longestSeconds = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const done = new AbortController();
    const watching = (async () => {
      let last: number | undefined;
      while (!done.signal.aborted) {
        const { updated_at } = (await this.#client.json('GET', '/v1/conductors/bench', 200)) as {
          updated_at: string;
        };
        const at = Date.parse(updated_at) / 1000;
        if (last !== undefined) this.longestSeconds = Math.max(this.longestSeconds, at - last);
        last = at;
        await sleep(250);
      }
    })();
    try {
      return await work();
    } finally {
      done.abort();
      await watching;
    }
  }
}

/** What showing nodes for a while came to. */
interface Shows {
  readonly perSecond: number;
  /** Processor seconds of the service, for each second that passed. */
  readonly load: number;
}

/** Without, with, and without again: a service gets faster as it warms up, and machines are shared. */
async function measureStreams(
  client: Client,
  url: string,
  processes: ProcessGroup,
  uuids: readonly string[],
  { count, seconds }: CrowdOptions,
): Promise<CrowdResult['streams']> {
  const show = async (index: number) => await client.fetchAndDrop(`/v1/nodes/${uuids[index % uuids.length]}`);
  const shows = async (): Promise<Shows> => {
    const cpuBefore = processes.cpuSeconds();
    const begun = performance.now();
    const { operations } = await repeatFor(seconds, 16, show);
    const passed = (performance.now() - begun) / 1000;
    return { perSecond: operations / passed, load: (processes.cpuSeconds() - cpuBefore) / passed };
  };
  await repeatFor(seconds / 2, 16, show);
  const before = await shows();
  const { during, framesHeard } = await withStreams(client, url, uuids, count, shows);
  const after = await shows();
  const loadOfOneShow = (before.load / before.perSecond + after.load / after.perSecond) / 2;
  return {
    count,
    showsPerSecondWithout: (before.perSecond + after.perSecond) / 2,
    showsPerSecondWith: during.perSecond,
    load: during.load - during.perSecond * loadOfOneShow,
    framesHeard,
  };
}

/** What `work` gives while streams are open, and something happens each second for them to tell of. */
async function withStreams<T>(
  client: Client,
  url: string,
  uuids: readonly string[],
  count: number,
  work: () => Promise<T>,
): Promise<{ during: T; framesHeard: number }> {
  await using streams = await Streams.open(url, count);
  const done = new AbortController();
  const changing = (async () => {
    for (let index = 0; !done.signal.aborted; index += 1) {
      const patch = [{ op: 'add', path: '/extra/counter', value: index }];
      await client.json('PATCH', `/v1/nodes/${uuids[index % uuids.length]}`, 200, patch);
      await sleep(1000);
    }
  })();
  const during = await work();
  done.abort();
  await changing;
  return { during, framesHeard: streams.framesHeard };
}

/** Open streams of events, which count what they hear. */
class Streams implements AsyncDisposable {
  readonly #agent = new Agent({ keepAlive: false });
  framesHeard = 0;

  static async open(url: string, count: number): Promise<Streams> {
    const streams = new Streams();
    for (let opened = 0; opened < count; opened += 100)
      await Promise.all(
        Array.from({ length: Math.min(100, count - opened) }, async () => await streams.#openOne(url)),
      );
    return streams;
  }

  async #openOne(url: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const request = get(
        `${url}/ingot/v1/events`,
        { agent: this.#agent, headers: { accept: 'text/event-stream' } },
        (response) => {
          if (response.statusCode !== 200) {
            reject(new BenchError(`GET /ingot/v1/events was answered with ${response.statusCode}`));
            return;
          }
          response.on('data', () => (this.framesHeard += 1));
          response.on('error', () => {}); // The end of the measurement tears it down.
          resolve();
        },
      );
      request.on('error', reject);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
  }
}

export function describeCrowd({ deployments, streams }: CrowdResult): string {
  return [
    `${deployments.count} deployments at once: done in ${deployments.seconds.toFixed(0)} s, ` +
      `${deployments.cpuMilliseconds.toFixed(1)} ms of processor time each; show meanwhile: ` +
      `${describeLatency(deployments.show)}; longest silence of the conductor ` +
      `${deployments.longestSilenceSeconds.toFixed(1)} s (it is to speak every ${deployments.heartbeatSeconds} s)`,
    `${streams.count} streams of events: ${streams.showsPerSecondWith.toFixed(0)} shows a second with them, ` +
      `${streams.showsPerSecondWithout.toFixed(0)} without; they took ${(streams.load * 100).toFixed(1)} % of a processor ` +
      `and heard ${streams.framesHeard} frames`,
  ].join('\n');
}
