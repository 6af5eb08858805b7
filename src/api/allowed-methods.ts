// Which methods a path has, for the Allow header of a 405.
import type { Method, Route } from './route.ts';

/**
 * The methods of the resource that a path names; none when no route is like it. A collection and its members count
 * as one, as the reference's router has it: one controller answers for both.
 */
export function allowedMethods(routes: readonly Route[], path: string): Method[] {
  const matching = routes.filter(
    (route) => matches(route.path, path) || matches(controllerOf(route.path), path),
  );
  const controllers = new Set(matching.map((route) => controllerOf(route.path)));
  const methods = routes
    .filter((route) => controllers.has(controllerOf(route.path)))
    .map(({ method }) => method);
  return [...new Set(methods)].toSorted();
}

/** `/nodes/:node` and `/nodes/detail` belong to `/nodes`. */
function controllerOf(pattern: string): string {
  return pattern.replace(/\/(:[^/]+|detail)$/, '');
}

function matches(pattern: string, path: string): boolean {
  const expected = pattern.split('/');
  const given = path.split('/');
  return (
    expected.length === given.length &&
    expected.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
  );
}
