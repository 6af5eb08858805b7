// What the three routes of agents have in common. They are public: an agent has no credentials before its lookup.
import { HTTPForbidden } from '#model/faults.ts';
import type { Call } from '../call.ts';

/** Throws HTTPForbidden (403) where the operator has turned these routes off on this process. */
export function checkRamdiskEnabled(call: Call): void {
  if (!call.parts.settings.api.enable_ramdisk_endpoints)
    throw new HTTPForbidden({ resource: 'the endpoints of agents' });
}
