// The routes of agents. Public: policies ipa_lookup, ipa_heartbeat, ipa_continue_inspection ask for no one.
import type { Route } from '../route.ts';
import { continueInspection } from './continue-inspection.ts';
import { receiveHeartbeat } from './heartbeat.ts';
import { lookUpNode } from './lookup.ts';

/** ironic api/controllers/v1/ramdisk.py, 2026.2. */
export const ramdiskRoutes: readonly Route[] = [
  { method: 'GET', path: '/lookup', policy: 'public', since: 22, handler: lookUpNode },
  { method: 'POST', path: '/heartbeat/:node', policy: 'public', since: 22, handler: receiveHeartbeat },
  {
    method: 'POST',
    path: '/continue_inspection',
    policy: 'public',
    // From 1.84, but the handler also answers 1.1.
    since: 1,
    bodySize: 'inspection',
    handler: continueInspection,
  },
];
