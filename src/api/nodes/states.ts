// GET /v1/nodes/{node}/states, and where the answers of its verbs say to look.
import { hasFeature } from '#model/microversion.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { stateAsShown } from '#model/provision-states.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { noArguments } from '../query.ts';
import { shownTime } from '../wire-time.ts';
import { findNodeForVerb } from './states-node.ts';

/** Boot mode and secure boot are shown here from 1.75 (ironic api/controllers/v1/node.py NodeStates, 2026.2). */
const bootModeSince = 75;

/** What GET states shows of a node, by microversion. */
export function statesOf(node: NodeRecord, minor: number): Record<string, unknown> {
  return {
    console_enabled: node.console_enabled,
    last_error: node.last_error,
    power_state: node.power_state,
    provision_state: stateAsShown(node.provision_state, minor),
    target_power_state: node.target_power_state,
    target_provision_state: stateAsShown(node.target_provision_state, minor),
    provision_updated_at: shownTime(node.provision_updated_at),
    ...(hasFeature(minor, 'raidConfig') && {
      raid_config: node.raid_config,
      target_raid_config: node.target_raid_config,
    }),
    ...(minor >= bootModeSince && { boot_mode: node.boot_mode, secure_boot: node.secure_boot }),
  };
}

export async function showStates(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const node = await findNodeForVerb(call);
  return ok(JSON.stringify(statesOf(node, call.minor)));
}

/** Where to watch what was asked of a node: its states, under the name that the request used. */
export function statesLocation(call: Call): string {
  return `${call.baseUrl}/v1/nodes/${encodeURIComponent(call.param('node'))}/states`;
}
