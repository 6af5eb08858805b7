// The routes of conductors.
import type { Route } from '../route.ts';
import { listConductors, showConductor } from './conductors.ts';

/** ironic api/controllers/v1/conductor.py, 2026.2. */
export const conductorRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/conductors',
    policy: 'baremetal:conductor:get',
    since: 49,
    handler: listConductors,
  },
  {
    method: 'GET',
    path: '/conductors/:conductor',
    policy: 'baremetal:conductor:get',
    since: 49,
    handler: showConductor,
  },
];
