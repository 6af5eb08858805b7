// The routes of hardware types, which the API calls drivers.
import { type Route, tooOldNotAcceptable } from '../route.ts';
import { listAllDrivers, showDriver } from './drivers.ts';
import { showProperties, showRaidProperties } from './properties.ts';

/** ironic api/controllers/v1/driver.py, 2026.2. */
export const driverRoutes: readonly Route[] = [
  { method: 'GET', path: '/drivers', policy: 'baremetal:driver:get', since: 1, handler: listAllDrivers },
  { method: 'GET', path: '/drivers/:driver', policy: 'baremetal:driver:get', since: 1, handler: showDriver },
  {
    method: 'GET',
    path: '/drivers/:driver/properties',
    policy: 'baremetal:driver:get_properties',
    since: 1,
    handler: showProperties,
  },
  {
    method: 'GET',
    path: '/drivers/:driver/raid/logical_disk_properties',
    policy: 'baremetal:driver:get_raid_logical_disk_properties',
    since: 12,
    tooOld: tooOldNotAcceptable,
    handler: showRaidProperties,
  },
];
