// The routes of ports.
import type { Route } from '../route.ts';
import { createPort } from './create.ts';
import { deletePort } from './delete.ts';
import { listAllPorts, listPortsInDetail, listPortsOfNode } from './list.ts';
import { patchPort } from './patch.ts';
import { showPort } from './show.ts';

/** ironic api/controllers/v1/port.py, 2026.2. */
export const portRoutes: readonly Route[] = [
  { method: 'GET', path: '/ports', policy: 'baremetal:port:list', since: 1, handler: listAllPorts },
  { method: 'POST', path: '/ports', policy: 'baremetal:port:create', since: 1, handler: createPort },
  {
    method: 'GET',
    path: '/ports/detail',
    policy: 'baremetal:port:list',
    since: 1,
    handler: listPortsInDetail,
  },
  { method: 'GET', path: '/ports/:port', policy: 'baremetal:port:get', since: 1, handler: showPort },
  { method: 'PATCH', path: '/ports/:port', policy: 'baremetal:port:update', since: 1, handler: patchPort },
  { method: 'DELETE', path: '/ports/:port', policy: 'baremetal:port:delete', since: 1, handler: deletePort },
  {
    method: 'GET',
    path: '/nodes/:node/ports',
    policy: 'baremetal:port:list',
    since: 1,
    handler: listPortsOfNode,
  },
];
