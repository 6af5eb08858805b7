import type { DriverPackage } from '../define.ts';
import { fakeBios } from './bios.ts';
import { fakeBoot } from './boot.ts';
import { fakeConsole } from './console.ts';
import { delayBy } from './delay.ts';
import { fakeDeploy } from './deploy.ts';
import { fakeFirmware } from './firmware.ts';
import { fakeHardware } from './hardware-type.ts';
import { fakeInspect } from './inspect.ts';
import { fakeManagement } from './management.ts';
import { fakePower } from './power.ts';
import { fakeRaid } from './raid.ts';
import { fakeRescue } from './rescue.ts';
import { fakeStorage } from './storage.ts';
import { fakeVendor } from './vendor.ts';

/** A fake of every interface type but the network, which has `noop`. Delays draw from `random`, in [0, 1). */
export function createFakePackage({ random }: { random: () => number }): DriverPackage {
  const delay = delayBy(random);
  return {
    hardwareTypes: [fakeHardware],
    implementations: {
      bios: { fake: fakeBios(delay) },
      boot: { fake: fakeBoot(delay) },
      console: { fake: fakeConsole },
      deploy: { fake: fakeDeploy(delay) },
      firmware: { fake: fakeFirmware(delay) },
      inspect: { fake: fakeInspect(delay) },
      management: { fake: fakeManagement(delay) },
      power: { fake: fakePower(delay) },
      raid: { fake: fakeRaid(delay) },
      rescue: { fake: fakeRescue(delay) },
      storage: { fake: fakeStorage(delay) },
      vendor: { fake: fakeVendor(delay) },
    },
  };
}

export const fakePackage = createFakePackage({ random: Math.random });
