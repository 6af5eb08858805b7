// Replays the recorded requests of the reference against the real service, and holds the answers beside its answers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Configuration } from '#sim/cluster/configuration-file.ts';
import { ServiceProcess } from '../support/service-process.ts';

const root = join(import.meta.dirname, '..', '..');
const kit = join(root, '..', 'shared', 'conformance');
const isThere = existsSync(kit);
const run = promisify(execFile);

/** How the reference was set when its answers were recorded. */
const settings: Configuration = {
  DEFAULT: {
    enabled_hardware_types: 'fake-hardware,redfish',
    enabled_bios_interfaces: 'fake,no-bios,redfish',
    enabled_boot_interfaces: 'fake,redfish-virtual-media',
    enabled_console_interfaces: 'fake,no-console',
    enabled_deploy_interfaces: 'fake,direct,custom-agent',
    enabled_inspect_interfaces: 'fake,no-inspect,redfish',
    enabled_management_interfaces: 'fake,noop,redfish',
    enabled_network_interfaces: 'noop',
    enabled_power_interfaces: 'fake,redfish',
    enabled_raid_interfaces: 'fake,no-raid',
    enabled_rescue_interfaces: 'fake,no-rescue',
    enabled_storage_interfaces: 'fake,noop',
    enabled_vendor_interfaces: 'fake,no-vendor',
    default_network_interface: 'noop',
  },
  agent: { require_tls: false },
  conductor: { automated_clean: false, sync_power_state_interval: 600 },
};

const scenarios = [
  '01-root',
  '02-node-keys',
  '04-node-create',
  '05-node-list',
  '06-node-patch',
  '08-verbs',
  '09-power',
  '14-maintenance',
];

interface Comparison {
  total: number;
  matched: number;
  mismatches: Record<string, string[]>;
}

/** The steps that docs/compatibility.md explains, by scenario. */
async function explained(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const page = await readFile(join(root, 'docs', 'compatibility.md'), 'utf8');
  const byScenario = new Map<string, Set<string>>();
  for (const [, scenario = '', steps = ''] of page.matchAll(/^- (\d\d-[\w-]+): ((?:`[^`]+`\s*)+)/gm)) {
    const known = byScenario.get(scenario) ?? new Set();
    byScenario.set(scenario, known);
    for (const [, step = ''] of steps.matchAll(/`([^`]+)`/g)) known.add(step);
  }
  return byScenario;
}

const skip = isThere ? false : 'the recorded answers of the reference are not beside this repository';

describe('conformance with the reference', { skip }, () => {
  let folder: string;
  let service: ServiceProcess;
  let comparisons: Comparison[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ingot-conformance-'));
    service = await ServiceProcess.start({ folder, configuration: settings });
    comparisons = [];
    for (const scenario of scenarios) {
      const out = join(folder, 'answers');
      const json = join(folder, `${scenario}.json`);
      await run(process.execPath, [join(kit, 'run.mjs'), service.url, '--only', scenario, '--out', out]);
      const compare = [
        join(kit, 'compare.mjs'),
        join(kit, 'golden'),
        out,
        '--only',
        scenario,
        '--json',
        json,
      ];
      await run(process.execPath, [...compare, '--min-ratio', '0']);
      comparisons.push(JSON.parse(await readFile(json, 'utf8')));
    }
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('agrees in at least 95 of 100 comparisons', (test) => {
    const total = comparisons.reduce((sum, one) => sum + one.total, 0);
    const matched = comparisons.reduce((sum, one) => sum + one.matched, 0);
    test.diagnostic(`${matched} of ${total} agree`);
    assert.ok(total > 2000, `only ${total} were compared`);
    assert.ok(matched / total >= 0.95, `${matched} of ${total}`);
  });

  it('explains every comparison that does not agree', async () => {
    const known = await explained();
    const unexplained = comparisons
      .flatMap(({ mismatches }) => Object.entries(mismatches))
      .flatMap(([scenario, steps]) =>
        steps.filter((step) => !known.get(scenario)?.has(step)).map((step) => `${scenario}: ${step}`),
      );
    assert.deepEqual(unexplained, []);
  });

  it('explains none that agrees', async () => {
    const differing = new Map(comparisons.flatMap(({ mismatches }) => Object.entries(mismatches)));
    const needless = [...(await explained())].flatMap(([scenario, steps]) =>
      [...steps]
        .filter((step) => !differing.get(scenario)?.includes(step))
        .map((step) => `${scenario}: ${step}`),
    );
    assert.deepEqual(needless, []);
  });
});
