// The routes of the node itself; what stands below a node has files of its own.
import type { Route } from '../route.ts';

export const nodeRoutes: readonly Route[] = [];
