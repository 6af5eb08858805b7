// A simulated machine with a real BMC in front of it, and a task on its node whose commits may be the conductor's last.
import type { SettingsOverrides } from '#config/settings.ts';
import { systemClock, systemRandom } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { type MachineSpec, type MachineView, type Sim, type SimOptions, startSim } from '#sim/sim.ts';
import { createAgentPackage } from '../../agent/package.ts';
import { noopPackage } from '../../noop/package.ts';
import type { StepOutcome } from '../../steps.ts';
import type { NodeChanges } from '../../task.ts';
import { aTask, someSettings, type TestTask } from '../../testing/a-task.ts';
import { createRedfishPackage } from '../package.ts';

/** What a conductor that is killed leaves a step with. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

export interface RigOptions {
  sim?: SimOptions;
  machine?: MachineSpec;
  node?: Partial<NodeRecord>;
  settings?: SettingsOverrides;
}

export interface Rig extends AsyncDisposable {
  sim: Sim;
  machine: MachineView;
  task: TestTask;
  /** Runs a step under a conductor that dies at each of its commits in turn, until it comes through. */
  throughDeaths(run: () => Promise<StepOutcome>): Promise<StepOutcome>;
  /** Every action that the BMC was asked for and that did something, in order. */
  actions(): string[];
}

export async function openRig({ node = {}, settings = {}, ...given }: RigOptions = {}): Promise<Rig> {
  const sim = await startSim({ timeScale: 0.02, ...given.sim });
  const machine = await sim.createMachine(given.machine);
  const all: SettingsOverrides = {
    ...settings,
    agent: { require_tls: false, command_wait_interval: 0.05, ...settings.agent },
    ingot: { driver_poll_interval: 0.01, ...settings.ingot },
    redfish: { connection_attempts: 1, kernel_append_params: '', ...settings.redfish },
    DEFAULT: {
      enabled_hardware_types: ['redfish'],
      enabled_boot_interfaces: ['redfish-virtual-media'],
      enabled_deploy_interfaces: ['direct', 'custom-agent'],
      enabled_inspect_interfaces: ['redfish', 'agent', 'no-inspect'],
      enabled_management_interfaces: ['redfish'],
      enabled_power_interfaces: ['redfish'],
      enabled_bios_interfaces: ['redfish', 'no-bios'],
      ...settings.DEFAULT,
    },
  };
  const redfish = createRedfishPackage({
    settings: someSettings(all),
    clock: systemClock,
    random: systemRandom,
  });
  const task = aTask({
    flow: 'deploy',
    settings: all,
    packages: [createAgentPackage(), noopPackage, redfish],
    node: { driver: 'redfish', ...node, driver_info: { ...machine.driver_info, ...node.driver_info } },
  });
  Object.assign(task, { clock: systemClock });
  let commitsLeft = Infinity;
  const commit = (): void => {
    commitsLeft -= 1;
    if (commitsLeft === 0) throw new Killed('The conductor was killed');
  };
  const save = task.save.bind(task);
  task.save = async (changes: NodeChanges) => {
    await save(changes);
    if (changes.driver_internal_info?.['agent_last_heartbeat'] === null) task.agentHeardAt = null;
    commit();
  };
  task.note = async (memo) => {
    // As the store keeps it.
    task.memo = JSON.parse(JSON.stringify(memo)) as Record<string, unknown>;
    commit();
  };
  task.setPower = async (target, { timeoutSeconds = 60 } = {}) => {
    const there = (await task.driver.power.getPowerState(task)) === target;
    if (!there) await task.driver.power.setPowerState(task, target, { timeoutSeconds });
    const forgotten = { agent_url: null, agent_last_heartbeat: null };
    await task.save({
      power_state: target.endsWith('off') ? 'power off' : 'power on',
      ...(there || target === 'power on' ? {} : { driver_internal_info: forgotten }),
    });
  };
  return {
    sim,
    machine,
    task,
    async throughDeaths(run) {
      for (let commits = 1; ; commits += 1) {
        commitsLeft = commits;
        try {
          return await run();
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
          task.attempt += 1;
        } finally {
          commitsLeft = Infinity;
        }
      }
    },
    actions: () =>
      sim
        .log(machine.uuid)
        .filter((entry) => entry.kind === 'action' && entry.result === 'done')
        .map((entry) => {
          if (entry.kind !== 'action') return '';
          const type = entry.detail['ResetType'];
          return typeof type === 'string' ? type : entry.action.slice(entry.action.indexOf('.') + 1);
        }),
    async [Symbol.asyncDispose]() {
      await redfish.close();
      await sim.close();
    },
  };
}
