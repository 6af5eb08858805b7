// What a conductor's death costs the one that takes over: node tools/run.mjs bench/testing/take-over.ts [NODES]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { startConductor } from '#conductor/conductor.ts';
import { loadSettings } from '#config/settings.ts';
import { registerConductor } from '#db/conductors.ts';
import { insertNode, updateNode } from '#db/nodes.ts';
import { insertOperation } from '#db/operations.ts';
import { Ring } from '#db/ring.ts';
import { openSqliteStore } from '#db/store.ts';
import { createAgentPackage } from '#drivers/agent/package.ts';
import { fakePackage } from '#drivers/fake/package.ts';
import { noopPackage } from '#drivers/noop/package.ts';
import { createDriverRegistry } from '#drivers/registry.ts';
import { systemClock, systemRandom, wireTime } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';

const [count = 100_000] = process.argv.slice(2).map(Number);
const hosts = ['conductor-1', 'conductor-2', 'conductor-3'];
const dead = 'conductor-3';
/** One node in so many waits for its agent; of those one in so many was being worked on. */
const oneInWaits = 10;
const oneInRuns = 50;

const folder = mkdtempSync(join(tmpdir(), 'ingot-scale-'));
const store = await openSqliteStore(join(folder, 'scale.sqlite'));
const clock = systemClock;
const ringSettings = {
  partitionExponent: 5,
  algorithm: 'md5',
  resetIntervalSeconds: 15,
  heartbeatTimeoutSeconds: 4,
};
const { settings } = loadSettings(undefined, {
  DEFAULT: { enabled_hardware_types: ['fake-hardware'], enabled_deploy_interfaces: ['fake', 'noop'] },
  conductor: {
    heartbeat_interval: 1,
    heartbeat_timeout: 4,
    sync_power_state_interval: 0,
    workers_pool_size: 300,
  },
});
const registry = createDriverRegistry(settings, [createAgentPackage(), fakePackage, noopPackage]);
const interfaces = registry.registrations();
for (const hostname of hosts)
  await store.write(async (transaction) => {
    await registerConductor(transaction, { hostname, life: hostname, conductorGroup: '', interfaces }, clock);
  });
const before = new Ring(store.read, { ...ringSettings, heartbeatTimeoutSeconds: 3600 }, clock);
const hostOf = await before.finder();
const at = wireTime(clock.now());

let owned = 0;
let waiting = 0;
let running = 0;
for (let first = 0; first < count; first += 1000)
  await store.write(async (transaction) => {
    for (let number = first; number < first + 1000; number += 1) {
      const isBusy = number % oneInWaits === 0;
      const node = await insertNode(transaction, {
        uuid: systemRandom.uuid(),
        driver: 'fake-hardware',
        provision_state: isBusy ? 'wait call-back' : 'available',
        power_state: 'power off',
        created_at: at,
      });
      const owner = hostOf(node) ?? '';
      if (owner === dead) owned += 1;
      if (!isBusy) continue;
      const runs = number % (oneInWaits * oneInRuns) === 0;
      if (owner === dead && runs) running += 1;
      if (owner === dead && !runs) waiting += 1;
      if (runs)
        await updateNode(transaction, node.uuid, { reservation: owner, provision_state: 'deploying' });
      await insertOperation(transaction, anOperation(node, owner, runs));
    }
  });

const signals = new InProcessSignals();
const quiet = (): void => {};
const other = setInterval(() => void beat('conductor-2'), 500);
const doomed = setInterval(() => void beat(dead), 500);
const conductor = await startConductor({
  hostname: 'conductor-1',
  isAlone: false,
  settings,
  store,
  ring: new Ring(store.read, ringSettings, clock),
  signals,
  registry,
  clock,
  random: systemRandom,
  log: { debug: quiet, info: quiet, warn: quiet, error: console.error },
  checkpoint: async () => {},
});
// Long enough for it to judge others.
await clock.sleep(6000);
clearInterval(doomed);
const died = performance.now();
await left((all) => all < waiting + running, 50);
const noticed = performance.now();
await left((all) => all <= (waiting + running) * 0.6, 20);
let last = await countLeft();
for (;;) {
  await clock.sleep(500);
  const now = await countLeft();
  if (now === last) break;
  last = now;
}
const seconds = (performance.now() - noticed - 500) / 1000;
process.stdout.write(
  `${count} nodes; the dead one had ${owned}, of which ${waiting} waited and ${running} ran. ` +
    `Noticed ${((noticed - died) / 1000).toFixed(1)} s after its last sign of life; ` +
    `this one's share (${waiting + running - last}) taken over ${seconds.toFixed(2)} s later.\n`,
);
clearInterval(other);
await conductor.stop();
await store[Symbol.asyncDispose]();
rmSync(folder, { recursive: true });

async function beat(hostname: string): Promise<void> {
  await store.write(async (transaction) => {
    const updated_at = wireTime(clock.now());
    await transaction
      .updateTable('conductors')
      .set({ updated_at })
      .where('hostname', '=', hostname)
      .execute();
  });
}

async function countLeft(): Promise<number> {
  const rows = await store.read
    .selectFrom('operations')
    .select((columns) => columns.fn.countAll<number>().as('count'))
    .where('finished_at', 'is', null)
    .where('owner', '=', dead)
    .execute();
  return rows[0]?.count ?? 0;
}

async function left(isSo: (count: number) => boolean, every: number): Promise<void> {
  while (!isSo(await countLeft())) await clock.sleep(every);
}

function anOperation(node: NodeRecord, owner: string, runs: boolean): OperationRecord {
  const step = {
    interface: 'deploy',
    step: 'deploy',
    args: {},
    priority: 100,
    abortable: true,
    origin: 'driver',
  } as const;
  return {
    id: systemRandom.uuid(),
    node_id: node.id,
    node_uuid: node.uuid,
    kind: 'deploy',
    state: runs ? 'running' : 'waiting',
    input: {},
    steps: [step],
    cursor: 0,
    attempt: 1,
    memo: {},
    wait: runs ? null : { for: 'agent', at: wireTime(clock.now() + 3_600_000) },
    abort_requested: false,
    error: null,
    owner,
    created_at: at,
    updated_at: at,
    finished_at: null,
    queue: null,
    round: null,
    retries: 0,
    fault: null,
    once_begun: false,
  };
}
