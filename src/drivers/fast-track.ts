import { fastTrackEnabled } from '#model/fast-track.ts';
import type { Task } from './task.ts';

/**
 * Whether the agent stays for the node's next flow, and a flow may use one that is there. Not in service, whose end is
 * the instance; nor after an error or while firmware is being updated, when what runs is not to be relied on
 * (ironic conductor/utils.py fast_track_able, 2026.2).
 */
export function isFastTrack({ node, settings }: Task): boolean {
  if (!fastTrackEnabled(node, settings.deploy.fast_track) || node.last_error !== null) return false;
  const known = node.driver_internal_info;
  const isUpdating = ['redfish_fw_updates', 'firmware_updates'].some((name) => known[name] !== undefined);
  return !isUpdating && !node.provision_state.startsWith('servic');
}
