// Makers for what a driver is handed, showing only what matters to a test.
import { loadSettings, type SettingsOverrides } from '#config/settings.ts';
import type { Clock } from '#model/clock.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { PortRecord } from '#model/port-record.ts';
import { composeDriver } from '../compose.ts';
import type { DriverPackage } from '../define.ts';
import { createFakePackage } from '../fake/package.ts';
import { noopPackage } from '../noop/package.ts';
import { createDriverRegistry } from '../registry.ts';
import type { NodeChanges, StepFlow, StepTask } from '../task.ts';

/** Fakes whose delays are always the shortest asked for. */
export const testPackages: readonly DriverPackage[] = [createFakePackage({ random: () => 0 }), noopPackage];

/** Settings that enable everything of `testPackages`, and what a test adds. */
export function someSettings(overrides: SettingsOverrides = {}) {
  const everything = {
    enabled_hardware_types: ['fake-hardware'],
    enabled_bios_interfaces: ['fake', 'no-bios'],
    enabled_boot_interfaces: ['fake'],
    enabled_console_interfaces: ['fake', 'no-console'],
    enabled_deploy_interfaces: ['fake', 'noop'],
    enabled_firmware_interfaces: ['fake', 'no-firmware'],
    enabled_inspect_interfaces: ['fake', 'no-inspect'],
    enabled_management_interfaces: ['fake', 'noop'],
    enabled_network_interfaces: ['noop'],
    enabled_power_interfaces: ['fake'],
    enabled_raid_interfaces: ['fake', 'no-raid'],
    enabled_rescue_interfaces: ['fake', 'no-rescue'],
    enabled_storage_interfaces: ['fake', 'noop'],
    enabled_vendor_interfaces: ['fake', 'no-vendor'],
  };
  return loadSettings(undefined, { ...overrides, DEFAULT: { ...everything, ...overrides.DEFAULT } }).settings;
}

export function aNode(changes: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id: 1,
    uuid: '6a1f3b44-3f6e-4f0e-9d0f-1f0a1d1c0001',
    name: null,
    created_at: '2026-01-01T00:00:00.000000+00:00',
    updated_at: null,
    driver: 'fake-hardware',
    driver_info: {},
    driver_internal_info: {},
    properties: {},
    extra: {},
    network_data: {},
    description: null,
    resource_class: null,
    traits: [],
    chassis_uuid: null,
    parent_node: null,
    owner: null,
    lessee: null,
    shard: null,
    provision_state: 'manageable',
    target_provision_state: null,
    provision_updated_at: null,
    power_state: null,
    target_power_state: null,
    last_error: null,
    fault: null,
    health: null,
    maintenance: false,
    maintenance_reason: null,
    protected: false,
    protected_reason: null,
    retired: false,
    retired_reason: null,
    automated_clean: null,
    disable_power_off: false,
    console_enabled: false,
    boot_mode: null,
    secure_boot: null,
    raid_config: {},
    target_raid_config: {},
    instance_uuid: null,
    instance_name: null,
    instance_info: {},
    allocation_uuid: null,
    clean_step: {},
    deploy_step: {},
    service_step: {},
    inspection_started_at: null,
    inspection_finished_at: null,
    reservation: null,
    reservation_epoch: 0,
    conductor_group: '',
    conductor_affinity: null,
    bios_interface: null,
    boot_interface: null,
    console_interface: null,
    deploy_interface: null,
    firmware_interface: null,
    inspect_interface: null,
    management_interface: null,
    network_interface: null,
    power_interface: null,
    raid_interface: null,
    rescue_interface: null,
    storage_interface: null,
    vendor_interface: null,
    ...changes,
  };
}

export interface TestTask extends StepTask {
  node: NodeRecord;
  attempt: number;
  memo: Record<string, unknown>;
  agentHeardAt: number | null;
  /** What was slept, in milliseconds. */
  readonly slept: number[];
  /** What was told to the log. */
  readonly logged: { level: string; fields: object; message: string }[];
  /** Stores changes as a conductor does. */
  apply(changes: NodeChanges | undefined): void;
}

/** A task on a node that lives in memory; time passes only by sleeping. */
export function aTask(
  options: {
    node?: Partial<NodeRecord>;
    ports?: readonly PortRecord[];
    settings?: SettingsOverrides;
    packages?: readonly DriverPackage[];
    signal?: AbortSignal;
    flow?: StepFlow;
  } = {},
): TestTask {
  const node = aNode(options.node);
  const settings = someSettings(options.settings);
  const registry = createDriverRegistry(settings, options.packages ?? testPackages);
  const slept: number[] = [];
  const logged: TestTask['logged'] = [];
  const told = (level: string) => (fields: object, message: string) => {
    logged.push({ level, fields, message });
  };
  let now = 0;
  const clock: Clock = {
    now: () => now,
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      now += milliseconds;
    },
  };
  const task: TestTask = {
    node,
    ports: options.ports ?? [],
    settings,
    clock,
    signal: options.signal ?? new AbortController().signal,
    log: { debug: told('debug'), info: told('info'), warn: told('warn'), error: told('error') },
    driver: composeDriver(registry, node),
    operationId: 'operation',
    flow: options.flow ?? 'clean',
    attempt: 1,
    memo: {},
    agentHeardAt: null,
    remainingSteps: [],
    slept,
    logged,
    async save(changes) {
      task.apply(changes);
    },
    async setPower(target, { timeoutSeconds = 60 } = {}) {
      await task.driver.power.setPowerState(task, target, { timeoutSeconds });
      task.apply({ power_state: target.endsWith('off') ? 'power off' : 'power on' });
    },
    async note(memo) {
      task.memo = memo;
    },
    apply(changes = {}) {
      const { driver_internal_info: members = {}, ...columns } = changes;
      const merged = { ...task.node.driver_internal_info, ...members };
      const kept = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
      // A driver's changes are columns of a node, said with wider types.
      task.node = { ...task.node, ...columns, driver_internal_info: kept } as NodeRecord;
    },
  };
  return task;
}
