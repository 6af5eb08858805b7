import type { Settings } from '#config/settings.ts';
import { createBootFiles, type BootFiles } from '#images/boot-files.ts';
import type { Clock, Random } from '#model/clock.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import type { DriverPackage } from '../define.ts';
import { redfishBios } from './bios.ts';
import { createControllers } from './controllers.ts';
import { redfishHardware } from './hardware-type.ts';
import { redfishInspect } from './inspect.ts';
import { redfishManagement } from './management.ts';
import { redfishPower } from './power.ts';
import { redfishVirtualMediaBoot } from './virtual-media-boot.ts';

export interface RedfishParts {
  settings: Settings;
  clock: Clock;
  random: Random;
  /** Absent: nothing is counted. */
  metrics?: Metrics;
  /** Absent: nothing is traced. */
  tracer?: Tracer;
  /** Shared with whoever serves the boot media, so that each base file is fetched once. */
  bootFiles?: BootFiles;
}

export interface RedfishPackage extends DriverPackage {
  /** Ends the sessions with every BMC. May be repeated. */
  close(): Promise<void>;
}

/** Machines whose BMC speaks Redfish. Keeps a session per BMC until it is closed. */
export function createRedfishPackage(parts: RedfishParts): RedfishPackage {
  const { settings, bootFiles = createBootFiles(settings, parts.clock) } = parts;
  const controllers = createControllers(settings, parts);
  return {
    hardwareTypes: [redfishHardware],
    implementations: {
      bios: { redfish: redfishBios(controllers) },
      boot: { 'redfish-virtual-media': redfishVirtualMediaBoot(controllers, bootFiles) },
      inspect: { redfish: redfishInspect(controllers) },
      management: { redfish: redfishManagement(controllers) },
      power: { redfish: redfishPower(controllers) },
    },
    async close() {
      await controllers[Symbol.asyncDispose]();
    },
  };
}
