// The routes of the node itself; what stands below a node has files of its own.
import { Invalid } from '#model/faults.ts';
import type { Route } from '../route.ts';
import { createNode } from './create.ts';
import { deleteNode, missingNode } from './delete.ts';
import { listNodes, listNodesInDetail } from './list.ts';
import { patchNode } from './patch.ts';
import { showNode } from './show.ts';

function notOnto(): never {
  throw new Invalid('A new node is posted to the collection, not onto a node.');
}

const update = 'baremetal:node:update';
const remove = 'baremetal:node:delete';

export const nodeRoutes: readonly Route[] = [
  { method: 'GET', path: '/nodes', policy: 'baremetal:node:list', since: 1, handler: listNodes },
  {
    method: 'GET',
    path: '/nodes/detail',
    policy: 'baremetal:node:list',
    since: 1,
    handler: listNodesInDetail,
  },
  { method: 'POST', path: '/nodes', policy: 'baremetal:node:create', since: 1, handler: createNode },
  { method: 'GET', path: '/nodes/:node', policy: 'baremetal:node:get', since: 1, handler: showNode },
  // Each path of a patch has a policy of its own; this one lets a caller see that the node exists.
  { method: 'PATCH', path: '/nodes/:node', policy: 'baremetal:node:get', since: 1, handler: patchNode },
  { method: 'DELETE', path: '/nodes/:node', policy: remove, since: 1, handler: deleteNode },

  // Misaddressed, and told so where a router would say 405.
  { method: 'POST', path: '/nodes/:node', policy: 'baremetal:node:create', since: 1, handler: notOnto },
  { method: 'PATCH', path: '/nodes', policy: update, since: 1, handler: missingNode },
  { method: 'DELETE', path: '/nodes', policy: remove, since: 1, handler: missingNode },
];
