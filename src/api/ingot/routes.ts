// The routes below /ingot/v1: what Ironic's API has no place for. They are the same in every microversion.
import type { Route } from '../route.ts';
import { cancelOperation } from './cancel.ts';
import { followEvents } from './events/all-events.ts';
import { listNodeEvents } from './events/node-events.ts';
import { showExplanation } from './explain/show.ts';
import { runPreflight } from './preflight.ts';
import { listOperations } from './operations.ts';

const policy = 'baremetal:node:get_states';

export const ingotRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/ingot/v1/nodes/:node/operations',
    policy,
    since: 1,
    handler: listOperations,
  },
  { method: 'GET', path: '/ingot/v1/nodes/:node/explain', policy, since: 1, handler: showExplanation },
  { method: 'GET', path: '/ingot/v1/nodes/:node/events', policy, since: 1, handler: listNodeEvents },
  {
    method: 'GET',
    path: '/ingot/v1/events',
    policy: 'baremetal:node:list',
    since: 1,
    streams: true,
    handler: followEvents,
  },
  {
    method: 'POST',
    path: '/ingot/v1/nodes/:node/preflight',
    policy: 'baremetal:node:validate',
    since: 1,
    handler: runPreflight,
  },
  {
    method: 'POST',
    path: '/ingot/v1/nodes/:node/cancel',
    policy: 'baremetal:node:set_provision_state',
    since: 1,
    handler: cancelOperation,
  },
];
