import { booleanWord } from './boolean-word.ts';
import type { NodeRecord } from './node-record.ts';

/**
 * Whether the node's machine may be left running its agent between its flows: by the node's own word, else the
 * configuration's ([deploy]fast_track).
 */
export function fastTrackEnabled({ driver_info }: Pick<NodeRecord, 'driver_info'>, option: boolean): boolean {
  return booleanWord(driver_info['fast_track']) ?? option;
}
