// The routes below a node by which it is told what to do, and by which it says how it is.
import { type Route, tooOldForRouter } from '../route.ts';
import { injectNmi, setBootDevice, showBootDevice, showSupportedBootDevices } from './boot-device.ts';
import { setBootMode, setSecureBoot } from './boot-mode.ts';
import { showHistory, showHistoryLine } from './history.ts';
import { showInventory } from './inventory.ts';
import { clearMaintenance, setMaintenance } from './maintenance.ts';
import { setPower } from './power.ts';
import { setProvisionState } from './provision.ts';
import { showStates } from './states.ts';
import { validateNode, validateNodeByQuery } from './validate.ts';

/** ironic api/controllers/v1/node.py, 2026.2. */
export const nodeStateRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/nodes/:node/states',
    policy: 'baremetal:node:get_states',
    since: 1,
    handler: showStates,
  },
  {
    method: 'PUT',
    path: '/nodes/:node/states/power',
    policy: 'baremetal:node:set_power_state',
    since: 1,
    handler: setPower,
  },
  {
    method: 'PUT',
    path: '/nodes/:node/states/provision',
    policy: 'baremetal:node:set_provision_state',
    since: 1,
    bodySize: 'provision',
    handler: setProvisionState,
  },
  {
    method: 'PUT',
    path: '/nodes/:node/states/boot_mode',
    policy: 'baremetal:node:set_boot_mode',
    since: 76,
    handler: setBootMode,
  },
  {
    method: 'PUT',
    path: '/nodes/:node/states/secure_boot',
    policy: 'baremetal:node:set_secure_boot',
    since: 76,
    handler: setSecureBoot,
  },
  {
    method: 'GET',
    path: '/nodes/:node/management/boot_device',
    policy: 'baremetal:node:get_boot_device',
    since: 1,
    handler: showBootDevice,
  },
  {
    method: 'GET',
    path: '/nodes/:node/management/boot_device/supported',
    policy: 'baremetal:node:get_boot_device',
    since: 1,
    handler: showSupportedBootDevices,
  },
  {
    method: 'PUT',
    path: '/nodes/:node/management/boot_device',
    policy: 'baremetal:node:set_boot_device',
    since: 1,
    handler: setBootDevice,
  },
  {
    method: 'PUT',
    path: '/nodes/:node/management/inject_nmi',
    policy: 'baremetal:node:inject_nmi',
    since: 29,
    handler: injectNmi,
  },
  {
    method: 'PUT',
    path: '/nodes/:node/maintenance',
    policy: 'baremetal:node:set_maintenance',
    since: 1,
    handler: setMaintenance,
  },
  {
    method: 'DELETE',
    path: '/nodes/:node/maintenance',
    policy: 'baremetal:node:clear_maintenance',
    since: 1,
    handler: clearMaintenance,
  },
  {
    method: 'GET',
    path: '/nodes/:node/validate',
    policy: 'baremetal:node:validate',
    since: 1,
    handler: validateNode,
  },
  {
    method: 'GET',
    path: '/nodes/validate',
    policy: 'baremetal:node:validate',
    since: 1,
    handler: validateNodeByQuery,
  },
  {
    method: 'GET',
    path: '/nodes/:node/history',
    policy: 'baremetal:node:history:get',
    since: 78,
    tooOld: tooOldForRouter,
    handler: showHistory,
  },
  {
    method: 'GET',
    path: '/nodes/:node/history/:event',
    policy: 'baremetal:node:history:get',
    since: 78,
    tooOld: tooOldForRouter,
    handler: showHistoryLine,
  },
  {
    method: 'GET',
    path: '/nodes/:node/inventory',
    policy: 'baremetal:node:inventory:get',
    since: 81,
    tooOld: tooOldForRouter,
    handler: showInventory,
  },
];
