// Every route of /v1, a list per resource.
import { nodeRoutes } from './nodes/routes.ts';
import type { Route } from './route.ts';

export const routes: readonly Route[] = [...nodeRoutes];
