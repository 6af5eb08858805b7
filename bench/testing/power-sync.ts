// One pass of the power-state sync over simulated machines, and what it costs: node tools/run.mjs bench/testing/power-sync.ts [NODES] [WORKERS] [DELAY_MS]
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance, monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { syncPowerState } from '#conductor/periodic/sync-power-state.ts';
import type { ConductorWorkings } from '#conductor/workings.ts';
import { loadSettings } from '#config/settings.ts';
import { registerConductor } from '#db/conductors.ts';
import { insertNode } from '#db/nodes.ts';
import { Ring } from '#db/ring.ts';
import { openSqliteStore } from '#db/store.ts';
import { createAgentPackage } from '#drivers/agent/package.ts';
import { fakePackage } from '#drivers/fake/package.ts';
import { noopPackage } from '#drivers/noop/package.ts';
import { createRedfishPackage } from '#drivers/redfish/package.ts';
import { createDriverRegistry } from '#drivers/registry.ts';
import { systemClock, systemRandom, wireTime } from '#model/clock.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';
import { type MachineView, startSim } from '#sim/sim.ts';

interface Amounts {
  nodes: number;
  workers: number;
  delay: number;
}

if (isMainThread) await main();
else await beDataCentre(workerData as Amounts); // started below, with that

async function main(): Promise<void> {
  const [nodes = 10_000, workers = 256, delay = 50] = process.argv.slice(2).map(Number);
  const amounts: Amounts = { nodes, workers, delay };
  const sim = new Worker(new URL(import.meta.url), { workerData: amounts });
  const [machines]: MachineView['driver_info'][][] = await once(sim, 'message');
  try {
    await measure(amounts, machines ?? []);
  } finally {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    sim.postMessage('end');
    await once(sim, 'exit');
  }
}

async function measure({ workers }: Amounts, machines: MachineView['driver_info'][]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ingot-scale-'));
  const { settings } = loadSettings(undefined, {
    conductor: { sync_power_state_workers: workers },
    // One address stands for many BMCs here.
    ingot: { bmc_requests_per_bmc: workers, bmc_queue_limit: workers },
  });
  const redfish = createRedfishPackage({ settings, clock: systemClock, random: systemRandom });
  const registry = createDriverRegistry(settings, [redfish, createAgentPackage(), fakePackage, noopPackage]);
  const store = await openSqliteStore(join(folder, 'scale.sqlite'));
  const clock = systemClock;
  const hostname = 'conductor-1';
  const created_at = wireTime(clock.now());
  for (let at = 0; at < machines.length; at += 1000)
    await store.write(async (transaction) => {
      for (const driver_info of machines.slice(at, at + 1000))
        await insertNode(transaction, {
          uuid: systemRandom.uuid(),
          driver: 'redfish',
          driver_info: { ...driver_info, redfish_auth_type: 'session' },
          power_interface: 'redfish',
          provision_state: 'active',
          power_state: 'power off',
          created_at,
        });
    });
  await store.write(async (transaction) => {
    const interfaces = registry.registrations();
    await registerConductor(transaction, { hostname, life: 'one', conductorGroup: '', interfaces }, clock);
  });
  const ringSettings = {
    partitionExponent: 5,
    algorithm: 'md5',
    resetIntervalSeconds: 15,
    heartbeatTimeoutSeconds: 3600,
  };
  const quiet = (): void => {};
  const failed: unknown[] = [];
  const workings = {
    parts: {
      hostname,
      settings,
      store,
      ring: new Ring(store.read, ringSettings, clock),
      signals: new InProcessSignals(),
      registry,
      clock,
      random: systemRandom,
      log: { debug: quiet, info: quiet, warn: (fields: object) => void failed.push(fields), error: quiet },
    },
    signal: new AbortController().signal,
  } as unknown as ConductorWorkings; // what the task looks at
  const task = syncPowerState();
  await task.run(workings, { requestId: 'req-bench', userId: null }); // sessions, code, connections
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const began = performance.now();
  const cpu = process.threadCpuUsage();
  await task.run(workings, { requestId: 'req-bench', userId: null });
  const { user, system } = process.threadCpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  delays.disable();
  const count = machines.length;
  process.stdout.write(
    `${count} nodes in ${seconds.toFixed(2)} s: ${Math.round(count / seconds)} nodes/s, ` +
      `${Math.round((user + system) / count)} us of one core per node; ` +
      `event loop p99 ${(delays.percentile(99) / 1e6).toFixed(1)} ms, max ${(delays.max / 1e6).toFixed(1)} ms; ` +
      `${failed.length} failed\n`,
  );
  if (failed.length > 0) process.stdout.write(`${JSON.stringify(failed[0])}\n`);
  await redfish.close();
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
}

/** In a thread of its own, as on a core of its own. */
async function beDataCentre({ nodes, delay }: Amounts): Promise<void> {
  const sim = await startSim({ machines: nodes, kind: 'memory', bmcs: 'shared' });
  for (const { name } of sim.list()) sim.setFault(name, { kind: 'slow', milliseconds: delay });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(sim.list().map(({ driver_info }) => driver_info));
  parentPort?.once('message', () => void sim.close());
}
