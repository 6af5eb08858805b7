import type { RaidInterface } from '../interfaces/others.ts';
import { logicalDiskProperties } from '../logical-disk-properties.ts';

/** Takes any RAID configuration and has no step that would carry it out (ironic drivers/modules/fake.py, 2026.2). */
export const fakeRaid: RaidInterface = { properties: {}, async validate() {}, logicalDiskProperties };
