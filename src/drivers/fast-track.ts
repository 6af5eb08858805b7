import { booleanWord } from './boolean-word.ts';
import type { Task } from './task.ts';

/**
 * Whether the node's machine is left running its agent between its flows, so that the next finds it there: by the
 * node's own word, else the settings'. Not in service, nor after an error, where whatever runs is not to be trusted
 * (ironic conductor/utils.py fast_track_able, 2026.2).
 */
export function isFastTrack({ node, settings }: Task): boolean {
  const isEnabled = booleanWord(node.driver_info['fast_track']) ?? settings.deploy.fast_track;
  const isServicing = node.provision_state.startsWith('servic');
  return isEnabled && !isServicing && node.last_error === null && settledFirmware(node);
}

function settledFirmware({ driver_internal_info: known }: Task['node']): boolean {
  return known['redfish_fw_updates'] === undefined && known['firmware_updates'] === undefined;
}
