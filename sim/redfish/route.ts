// How one resource of the Redfish service is told: a path, and what each method does there.
import type { Clock } from '#model/clock.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { Machine } from '../machine.ts';
import type { PowerControl } from '../power.ts';
import { RedfishError } from './errors.ts';
import type { Sessions } from './sessions.ts';
import type { Tasks } from './tasks.ts';

/** The service a request came to: one BMC, or one address for all of them. */
export interface Bmc {
  readonly uuid: string;
  readonly clock: Clock;
  readonly power: PowerControl;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly sessions: Sessions;
  readonly tasks: Tasks;
  /** Tell PoweringOn and PoweringOff, as few BMCs do, instead of the state that is being left. */
  readonly tellsTransitions: boolean;
}

export interface RedfishRequest {
  bmc: Bmc;
  path: string;
  params: Readonly<Record<string, string>>;
  /** A JSON object; empty when there was no body. */
  body: Readonly<Record<string, unknown>>;
}

export interface RedfishAnswer {
  status: number;
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
}

type Handler = (request: RedfishRequest) => RedfishAnswer;
/** As the router calls it, with the machine that the path names. */
type MachineHandler = (request: RedfishRequest, machine: Machine) => RedfishAnswer;

export interface Route {
  segments: readonly string[];
  /** The methods that need no login (DSP0266 §13.3.1). */
  open: readonly string[];
  methods: Readonly<Partial<Record<string, Handler>>>;
}

export function route(
  path: string,
  methods: Partial<Record<'GET' | 'POST' | 'PATCH' | 'DELETE', Handler>>,
  { open = [] }: { open?: readonly string[] } = {},
): Route {
  return { segments: split(path), open, methods };
}

/** A resource of one machine: the path has `:machine` in it. */
export function machineRoute(
  path: string,
  methods: Partial<Record<'GET' | 'POST' | 'PATCH' | 'DELETE', MachineHandler>>,
): Route {
  const withMachine = Object.entries(methods).map(([method, handler]): [string, Handler] => [
    method,
    (request) => handler(request, machineOf(request)),
  ]);
  return { segments: split(path), open: [], methods: Object.fromEntries(withMachine) };
}

export function machineOf({ bmc, params, path }: RedfishRequest): Machine {
  const machine = bmc.machines.get(params['machine']?.toLowerCase() ?? '');
  if (!machine) throw new RedfishError('ResourceMissingAtURI', path);
  return machine;
}

export function split(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** The route of the table that a path means, with the values of its `:names`. */
export function findRoute(
  table: RouteTable,
  path: string,
): { route: Route; params: Record<string, string> } | undefined {
  const segments = split(path);
  for (const route of table.get(segments.length) ?? []) {
    const params: Record<string, string> = {};
    const fits = route.segments.every((wanted, index) => {
      const given = segments[index] ?? '';
      if (!wanted.startsWith(':')) return wanted === given;
      params[wanted.slice(1)] = given;
      return true;
    });
    if (fits) return { route, params };
  }
  return undefined;
}

/** Routes by the number of their segments. */
export type RouteTable = ReadonlyMap<number, readonly Route[]>;
export function routeTable(routes: readonly Route[]): RouteTable {
  return Map.groupBy(routes, (route) => route.segments.length);
}

// The small shapes that Redfish bodies are made of.

export const link = (path: string): { '@odata.id': string } => ({ '@odata.id': path });
export const ok = (body: Record<string, unknown>): RedfishAnswer => ({ status: 200, body });
export const noContent: RedfishAnswer = { status: 204 };
export const enabled = { State: 'Enabled', Health: 'OK' } as const;

export function resource(path: string, type: string, members: Record<string, unknown>): RedfishAnswer {
  return ok({ '@odata.id': path, '@odata.type': type, Id: split(path).at(-1), ...members });
}

export function collection(
  path: string,
  type: string,
  name: string,
  members: readonly string[],
  more: Record<string, unknown> = {},
): RedfishAnswer {
  return ok({
    '@odata.id': path,
    '@odata.type': `#${type}.${type}`,
    Name: name,
    'Members@odata.count': members.length,
    Members: members.map(link),
    ...more,
  });
}

/** A text member of an action's body, or of a PATCH, that must be one of these when it is there. */
export function oneOf<T extends string>(value: unknown, allowed: readonly T[], name: string): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((item) => item === value);
  if (found === undefined) throw new RedfishError('PropertyValueNotInList', JSON.stringify(value), name);
  return found;
}

/** A member that is an object when it is there. */
export function objectIn(value: unknown, name: string): Record<string, unknown> | undefined {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw new RedfishError('PropertyValueTypeError', JSON.stringify(value), name);
  return value;
}

/** Refuses members that a PATCH does not know. */
export function refuseUnknown(
  body: Readonly<Record<string, unknown>>,
  known: readonly string[],
  prefix = '',
): void {
  for (const name of Object.keys(body))
    if (!known.includes(name) && !name.startsWith('@'))
      throw new RedfishError('PropertyUnknown', `${prefix}${name}`);
}
