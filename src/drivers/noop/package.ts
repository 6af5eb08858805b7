import type { DriverPackage } from '../define.ts';
import { noopDeploy } from './deploy.ts';
import { noopManagement } from './management.ts';
import { noopNetwork } from './network.ts';
import { noopStorage } from './storage.ts';
import { unsupported, unsupportedInspect } from './unsupported.ts';

/** What stands in for an interface that a machine does not have, or does not need. */
export const noopPackage: DriverPackage = {
  hardwareTypes: [],
  implementations: {
    bios: { 'no-bios': unsupported('bios') },
    console: { 'no-console': unsupported('console') },
    deploy: { noop: noopDeploy },
    firmware: { 'no-firmware': unsupported('firmware') },
    inspect: { 'no-inspect': unsupportedInspect },
    management: { noop: noopManagement },
    network: { noop: noopNetwork },
    raid: { 'no-raid': unsupported('raid') },
    rescue: { 'no-rescue': unsupported('rescue') },
    storage: { noop: noopStorage },
    vendor: { 'no-vendor': unsupported('vendor') },
  },
};
