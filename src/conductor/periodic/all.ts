// Every background task of a conductor, and where each of the reference's is answered.
import type { ConductorParts } from '../parts.ts';
import { checkTimeouts } from './check-timeouts.ts';
import { cleanUpConductors } from './clean-up-conductors.ts';
import { driverTasks } from './driver-tasks.ts';
import { keepAlive } from './keep-alive.ts';
import type { PeriodicTask } from './periodic-task.ts';
import { recoverPower } from './recover-power.ts';
import { sendSensorData } from './send-sensor-data.ts';
import { syncLocalState } from './sync-local-state.ts';
import { syncPowerState } from './sync-power-state.ts';
import type { OrphanLook } from './take-over-orphans.ts';
import { trimOldEvents } from './trim-events.ts';
import { trimOldHistory } from './trim-history.ts';

export function periodicTasks(parts: Pick<ConductorParts, 'registry'>, orphans: OrphanLook): PeriodicTask[] {
  return [
    keepAlive(orphans),
    orphans,
    checkTimeouts,
    syncPowerState(),
    recoverPower,
    syncLocalState,
    sendSensorData,
    cleanUpConductors,
    trimOldEvents,
    trimOldHistory,
    ...driverTasks(parts),
  ];
}

/** The task of ours that does the same, or why none is needed. */
type Answer = { task: string } | { instead: string };

const noSuchDriver = (name: string): Answer => ({ instead: `there is no ${name} interface` });
const stepLooks: Answer = {
  instead: 'the step waits for a poll, and looks itself; whoever takes it over goes on looking',
};

/** By the reference's name: each of its periodic tasks (ironic conductor/manager.py and drivers/modules, 2026.2). */
export const answersToIronic: Readonly<Record<string, Answer>> = {
  _check_cleanwait_timeouts: { task: 'check-timeouts' },
  _check_deploy_timeouts: { task: 'check-timeouts' },
  _check_inspect_wait_timeouts: { task: 'check-timeouts' },
  _check_rescuewait_timeouts: { task: 'check-timeouts' },
  _check_servicewait_timeouts: { task: 'check-timeouts' },
  _check_orphan_nodes: { task: 'take-over-orphans' },
  _check_orphan_allocations: { instead: 'there are no allocations yet' },
  _clean_up_caches: { instead: 'the cache of boot files keeps to its size whenever a file is added' },
  _power_failure_recovery: { task: 'recover-power' },
  _send_sensor_data: { task: 'send-sensor-data' },
  _sync_local_state: { task: 'sync-local-state' },
  _sync_power_states: { task: 'sync-power-state' },
  cleanup_stale_conductors: { task: 'clean-up-conductors' },
  manage_node_history: { task: 'trim-history' },
  _check_boot_timeouts: {
    instead:
      'the step that boots the agent looks itself and boots once more, as [ingot]boot_retry_after says',
  },
  _query_bios_apply_status: stepLooks,
  _query_update_status: noSuchDriver('redfish firmware'),
  _query_update_failed: noSuchDriver('redfish firmware'),
  _query_firmware_update_status: noSuchDriver('redfish firmware'),
  _query_firmware_update_failed: noSuchDriver('redfish firmware'),
  _query_raid_config_status: noSuchDriver('redfish RAID'),
  _query_raid_config_failed: noSuchDriver('redfish RAID'),
  _query_raid_tasks_status: noSuchDriver('iDRAC RAID'),
  _expire_fake_console_sessions: noSuchDriver('fake graphical console'),
  _expire_redfish_console_sessions: noSuchDriver('redfish graphical console'),
};
