// The HTTP side of an emulated BMC: who may ask, which resource answers, and what a fault does to the answer.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { takeRequestFaults, type Fault } from '../faults.ts';
import { closeServer, listen, readBody, BodyTooLarge, type ListenOptions } from '../listener.ts';
import { logOf, type Machine } from '../machine.ts';
import type { Clock } from '#model/clock.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { PowerControl } from '../power.ts';
import { biosRoutes } from './bios.ts';
import { chassisRoutes } from './chassis.ts';
import { errorBody, RedfishError } from './errors.ts';
import { managerRoutes } from './managers.ts';
import { findRoute, routeTable, split, type Bmc, type RedfishAnswer } from './route.ts';
import { serviceRootRoutes } from './service-root.ts';
import { sessionRoutes, Sessions, type Credentials, type SessionLimits } from './sessions.ts';
import { storageRoutes } from './storage.ts';
import { systemRoutes } from './systems.ts';
import { taskRoutes, Tasks } from './tasks.ts';

const routes = routeTable([
  ...serviceRootRoutes,
  ...sessionRoutes,
  ...systemRoutes,
  ...biosRoutes,
  ...storageRoutes,
  ...chassisRoutes,
  ...managerRoutes,
  ...taskRoutes,
]);

const largestBody = 64 * 1024;

export interface RedfishServiceOptions extends ListenOptions {
  uuid: string;
  clock: Clock;
  power: PowerControl;
  credentials: Credentials;
  sessionLimits: SessionLimits;
  tellsTransitions: boolean;
}

export interface RedfishService extends AsyncDisposable {
  /** Where it listens, without a path. */
  readonly address: string;
  add(machine: Machine): void;
  remove(machine: Machine): void;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  method: string;
  path: string;
  /** Whose BMC was asked; undefined when one address serves many and the path names none. */
  machine: Machine | undefined;
}

/** One address with one or many systems behind it. Rejects when the port cannot be had. */
export async function startRedfishService(options: RedfishServiceOptions): Promise<RedfishService> {
  const machines = new Map<string, Machine>();
  const bmc: Bmc = {
    uuid: options.uuid,
    clock: options.clock,
    power: options.power,
    machines,
    sessions: new Sessions(options.clock, options.credentials, options.sessionLimits),
    tasks: new Tasks(options.clock),
    tellsTransitions: options.tellsTransitions,
  };
  const closing = new AbortController();
  const { server, address } = await listen(options, (request, response) => {
    // A client that has gone, or a sim that closes, ends the exchange; nobody is left to be told.
    serve(bmc, request, response, closing.signal).catch(() => response.destroy());
  });
  return {
    address,
    add: (machine) => machines.set(machine.uuid, machine),
    remove: (machine) => machines.delete(machine.uuid),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await closeServer(server);
    },
  };
}

async function serve(
  bmc: Bmc,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const method = request.method ?? 'GET';
  const machine = machineAsked(bmc, path);
  const exchange: Exchange = { request, response, method, path, machine };
  const faults = machine ? takeRequestFaults(machine, method, path) : [];
  for (const fault of faults) {
    if (fault.kind === 'slow') await bmc.clock.sleep(fault.milliseconds, closing);
    if (fault.kind === 'stale-session') bmc.sessions.forget(String(request.headers['x-auth-token'] ?? ''));
  }
  const deciding = faults.find((fault) => fault.kind !== 'slow' && fault.kind !== 'stale-session');
  if (deciding) {
    const needsAnswer = deciding.acts_first === true || deciding.kind === 'wrong-answer';
    const told = needsAnswer ? await answer(bmc, exchange) : undefined;
    request.resume();
    misbehave(bmc, exchange, deciding, told);
    return;
  }
  const told = await answer(bmc, exchange);
  record(bmc, exchange, told.status, faults[0]?.kind ?? null);
  send(exchange, told);
}

/** The machine whose BMC this is, or whose name is in the path. */
function machineAsked(bmc: Bmc, path: string): Machine | undefined {
  if (bmc.machines.size === 1) return bmc.machines.values().next().value;
  return bmc.machines.get(split(path)[3]?.toLowerCase() ?? '');
}

async function answer(bmc: Bmc, { request, method, path }: Exchange): Promise<RedfishAnswer> {
  try {
    const body = await bodyOf(request);
    const found = findRoute(routes, path);
    const asked = method === 'HEAD' ? 'GET' : method;
    if (!found?.route.open.includes(asked) && !admits(bmc, request)) throw new RedfishError('NoValidSession');
    if (!found) throw new RedfishError('ResourceMissingAtURI', path);
    const handler = found.route.methods[asked];
    if (!handler)
      return {
        ...refusal(new RedfishError('OperationNotAllowed', method)),
        headers: { Allow: Object.keys(found.route.methods).join(', ') },
      };
    const canonical = `/${split(path).join('/')}`;
    const call = (chosen: typeof handler): RedfishAnswer =>
      chosen({ bmc, path: canonical, params: found.params, body });
    const { GET: read } = found.route.methods;
    if (method === 'PATCH' && read) requireMatch(request, etagOf(call(read)));
    return call(handler);
  } catch (error) {
    if (error instanceof RedfishError) return refusal(error);
    return refusal(new RedfishError('InternalError'));
  }
}

function admits(bmc: Bmc, request: IncomingMessage): boolean {
  const token = request.headers['x-auth-token'];
  return bmc.sessions.admits({
    'x-auth-token': Array.isArray(token) ? token[0] : token,
    authorization: request.headers.authorization,
  });
}

function refusal(error: RedfishError): RedfishAnswer {
  const headers = error.status === 401 ? { 'WWW-Authenticate': 'Basic realm="Ingot simulated BMC"' } : {};
  return { status: error.status, body: error.body, headers };
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readBody(request, largestBody);
  } catch (error) {
    if (error instanceof BodyTooLarge) throw new RedfishError('RequestTooLarge', String(largestBody));
    throw error;
  }
  if (text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new RedfishError('MalformedJSON');
  }
  if (!isJsonObject(parsed)) throw new RedfishError('MalformedJSON');
  return parsed;
}

function etagOf({ body }: RedfishAnswer): string {
  return `"${createHash('sha1').update(JSON.stringify(body)).digest('hex').slice(0, 16)}"`;
}

function requireMatch(request: IncomingMessage, etag: string): void {
  const wanted = request.headers['if-match'];
  if (wanted === undefined || wanted === '*') return;
  if (!wanted.split(',').some((tag) => tag.trim() === etag)) throw new RedfishError('PreconditionFailed');
}

function send({ request, response, method }: Exchange, { status, body, headers = {} }: RedfishAnswer): void {
  const etag = body && status === 200 && method === 'GET' ? etagOf({ status, body }) : undefined;
  const isKnown = etag !== undefined && request.headers['if-none-match'] === etag;
  const text = body && !isKnown ? JSON.stringify(body) : '';
  response.writeHead(isKnown ? 304 : status, {
    'OData-Version': '4.0',
    'Cache-Control': 'no-cache',
    ...(text !== '' && { 'Content-Type': 'application/json; charset=utf-8' }),
    ...(status !== 204 && { 'Content-Length': Buffer.byteLength(text) }),
    ...(etag !== undefined && { ETag: etag }),
    ...headers,
  });
  response.end(method === 'HEAD' ? '' : text);
}

/** What the client sees instead of the answer. */
function misbehave(bmc: Bmc, exchange: Exchange, fault: Fault, told: RedfishAnswer | undefined): void {
  const { response, path } = exchange;
  const say = (status: number, type: string, text: string): void => {
    record(bmc, exchange, status, fault.kind);
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
  };
  switch (fault.kind) {
    case 'hang':
      record(bmc, exchange, null, fault.kind);
      return;
    case 'reset':
      record(bmc, exchange, null, fault.kind);
      exchange.request.socket.resetAndDestroy();
      return;
    case 'unauthorized':
      record(bmc, exchange, 401, fault.kind);
      send(exchange, refusal(new RedfishError('ResourceAtUriUnauthorized', path)));
      return;
    case 'status':
      if (fault.body === 'html')
        say(fault.status, 'text/html', `<html><body><h1>${fault.status}</h1></body></html>`);
      else if (fault.body === 'empty') say(fault.status, 'text/plain', '');
      else
        say(
          fault.status,
          'application/json',
          JSON.stringify(errorBody('GeneralError', 'A general error has occurred.')),
        );
      return;
    case 'wrong-answer':
      if (fault.answer === 'html') say(200, 'text/html', '<html><body>Please log in</body></html>');
      else if (fault.answer === 'garbage') say(200, 'application/json', '{"@odata.id": "/redf\u0000');
      else {
        record(bmc, exchange, 200, fault.kind);
        send(exchange, without(fault.members, told));
      }
      return;
    case 'slow':
    case 'stale-session':
    case 'power-stuck':
    case 'agent-death':
    case 'boot-never':
      // These do not decide an answer.
      return;
  }
}

/** The true answer, short of the members that a BMC with a bug would leave out. */
function without(members: readonly string[] | undefined, told: RedfishAnswer | undefined): RedfishAnswer {
  const kept = Object.entries(told?.body ?? {}).filter(([name]) =>
    members ? !members.includes(name) : name.startsWith('@odata'),
  );
  return { status: 200, body: Object.fromEntries(kept) };
}

/** Whatever may change something, and whatever a fault touched, is written down; plain reads are counted. */
function record(
  bmc: Bmc,
  { machine, method, path }: Exchange,
  status: number | null,
  fault: string | null,
): void {
  if (!machine) return;
  if (fault === null && (method === 'GET' || method === 'HEAD')) {
    machine.reads += 1;
    return;
  }
  logOf(machine).add(bmc.clock.now(), { kind: 'request', method, path, status, fault });
}
