// Every route of /v1, a list per resource, and those of /ingot/v1.
import { chassisRoutes } from './chassis/routes.ts';
import { conductorRoutes } from './conductors/routes.ts';
import { driverRoutes } from './drivers/routes.ts';
import { ingotRoutes } from './ingot/routes.ts';
import { nodeRoutes } from './nodes/routes.ts';
import { nodeStateRoutes } from './nodes/states-routes.ts';
import { portRoutes } from './ports/routes.ts';
import { ramdiskRoutes } from './ramdisk/routes.ts';
import type { Route } from './route.ts';

export const routes: readonly Route[] = [
  ...nodeRoutes,
  ...nodeStateRoutes,
  ...portRoutes,
  ...chassisRoutes,
  ...driverRoutes,
  ...conductorRoutes,
  ...ramdiskRoutes,
  ...ingotRoutes,
];
