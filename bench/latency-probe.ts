import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { percentile } from './statistics.ts';

/** How long answers took, in milliseconds. */
export interface Latency {
  readonly asked: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly worst: number | null;
}

/**
 * Asks at a steady rate until the work is done, whether the answers come or not: what has to wait is counted from when
 * it was due, so that a server that stands still does not hide it (coordinated omission).
 */
export async function probeWhile<T>(
  client: Client,
  pathOf: (index: number) => string,
  perSecond: number,
  work: () => Promise<T>,
): Promise<{ result: T; latency: Latency }> {
  const latencies: number[] = [];
  const under = new Set<Promise<void>>();
  const done = new AbortController();
  const begun = performance.now();
  const probing = (async () => {
    for (let index = 0; !done.signal.aborted; index += 1) {
      const due = begun + (index * 1000) / perSecond;
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      const asked = client
        .fetchAndDrop(pathOf(index))
        .then(() => void latencies.push(performance.now() - due))
        .finally(() => under.delete(asked));
      under.add(asked);
    }
    await Promise.all(under);
  })();
  try {
    const result = await work();
    done.abort();
    await probing;
    return { result, latency: latencyOf(latencies) };
  } finally {
    done.abort();
    await probing;
  }
}

function latencyOf(latencies: readonly number[]): Latency {
  return {
    asked: latencies.length,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    worst: percentile(latencies, 1),
  };
}

/** `12.3 / 45.6 / 78.9 ms`: the middle, the 99th of a hundred, the worst. */
export function describeLatency({ p50, p99, worst }: Latency): string {
  return `p50 ${shown(p50)}, p99 ${shown(p99)}, worst ${shown(worst)} ms`;
}

function shown(milliseconds: number | null): string {
  return milliseconds === null ? '–' : milliseconds.toFixed(1);
}
