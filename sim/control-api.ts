// The sim's own HTTP API: what the functions of Sim do, for those in another process.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject } from '#model/json-object.ts';
import { messageOf } from '#model/message.ts';
import { parseCheckpoint, parseTrapTarget } from './checkpoints.ts';
import { BadRequest, NoSuchRoute, SimError } from './errors.ts';
import { parseFault } from './faults.ts';
import { parseImageFault, type ImageServer } from './image-server.ts';
import { BodyTooLarge, closeServer, listen, readBody, type ListenOptions } from './listener.ts';
import { parseMachineSpec } from './machine-spec.ts';
import type { Sim } from './sim.ts';

interface Call {
  sim: Sim;
  /** What stands in the path where the route has a colon. */
  params: readonly string[];
  query: URLSearchParams;
  body: Record<string, unknown>;
}

/** No body: 204. `null`: no answer at all, because who asked is dead. */
type Answer = { status: number; body?: unknown } | null;

const machine = '/sim/v1/machines/:id';

const routes: Record<string, (call: Call) => Answer | Promise<Answer>> = {
  'GET /sim/v1': ({ sim }) =>
    ok({ machines: `${sim.url}/sim/v1/machines`, checkpoints: `${sim.url}/sim/v1/checkpoints` }),
  'GET /sim/v1/machines': ({ sim }) => ok({ machines: sim.list() }),
  'POST /sim/v1/machines': async ({ sim, body }) => ({
    status: 201,
    body: await sim.createMachine(parseMachineSpec(body)),
  }),
  [`GET ${machine}`]: ({ sim, params: [id = ''] }) => ok(sim.machine(id)),
  [`DELETE ${machine}`]: async ({ sim, params: [id = ''] }) => {
    await sim.deleteMachine(id);
    return done;
  },
  [`GET ${machine}/log`]: ({ sim, params: [id = ''], query }) => {
    const after = Number(query.get('after') ?? 0);
    return ok({ entries: sim.log(id).filter((entry) => entry.sequence > after) });
  },
  [`GET ${machine}/faults`]: ({ sim, params: [id = ''] }) => ok({ faults: sim.faults(id) }),
  [`DELETE ${machine}/faults`]: ({ sim, params: [id = ''] }) => {
    sim.clearFault(id);
    return done;
  },
  [`PUT ${machine}/faults/:name`]: ({ sim, params: [id = '', name], body }) => {
    sim.setFault(id, parseFault(body), name);
    return done;
  },
  [`DELETE ${machine}/faults/:name`]: ({ sim, params: [id = '', name] }) => {
    sim.clearFault(id, name);
    return done;
  },
  'GET /sim/v1/images': ({ sim }) =>
    ok({
      url: sim.images?.url ?? null,
      faults: sim.images?.faults ?? {},
      requests: sim.images?.requests ?? [],
    }),
  'PUT /sim/v1/images/faults/:path': ({ sim, params: [path = ''], body }) => {
    imagesOf(sim).setFault(path, parseImageFault(body));
    return done;
  },
  'DELETE /sim/v1/images/faults/:path': ({ sim, params: [path = ''] }) => {
    imagesOf(sim).clearFault(path);
    return done;
  },
  'GET /sim/v1/checkpoints': ({ sim }) => ok({ checkpoints: sim.checkpoints.reached }),
  'POST /sim/v1/checkpoints': ({ sim, body }) =>
    sim.checkpoints.reach(parseCheckpoint(body)).killed ? null : done,
  'DELETE /sim/v1/checkpoints': ({ sim }) => {
    sim.checkpoints.clear();
    return done;
  },
  'POST /sim/v1/checkpoints/arm': ({ sim, body }) => {
    sim.checkpoints.arm(parseTrapTarget(body));
    return done;
  },
};

function imagesOf(sim: Sim): ImageServer {
  if (!sim.images) throw new BadRequest('The sim was started without a folder of images.');
  return sim.images;
}

const done: Answer = { status: 204 };
const ok = (body: unknown): Answer => ({ status: 200, body });

const largestBody = 256 * 1024;

export async function startControlApi(
  sim: Sim,
  options: ListenOptions,
): Promise<AsyncDisposable & { address: string }> {
  const { server, address } = await listen(options, (request, response) => {
    // Whoever asked has gone, or was killed at a checkpoint.
    serve(sim, request, response).catch(() => response.destroy());
  });
  return { address, [Symbol.asyncDispose]: () => closeServer(server) };
}

async function serve(sim: Sim, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await handle(sim, request);
  if (answer === null) {
    response.destroy();
    return;
  }
  const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
  response.writeHead(answer.status, text === '' ? {} : { 'Content-Type': 'application/json' });
  response.end(text);
}

async function handle(sim: Sim, request: IncomingMessage): Promise<Answer> {
  // Only browsers send it. A page that anybody shows on this machine is not to have processes killed.
  if (request.headers.origin !== undefined)
    return { status: 403, body: { error: 'Pages of web sites may not use the sim.' } };
  try {
    const url = new URL(request.url ?? '/', sim.url);
    const body = parseBody(await readBody(request, largestBody));
    const method = request.method ?? 'GET';
    for (const [route, act] of Object.entries(routes)) {
      const params = paramsOf(route, `${method} ${url.pathname}`);
      if (params) return await act({ sim, params, query: url.searchParams, body });
    }
    throw new NoSuchRoute(method, url.pathname);
  } catch (error) {
    if (error instanceof BodyTooLarge) return { status: 413, body: { error: error.message } };
    const status = error instanceof SimError ? error.status : 500;
    return { status, body: { error: messageOf(error) } };
  }
}

function parseBody(text: string): Record<string, unknown> {
  if (text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new BadRequest('The body is not JSON.', { cause });
  }
  if (!isJsonObject(parsed)) throw new BadRequest('The body is not a JSON object.');
  return parsed;
}

function paramsOf(route: string, asked: string): string[] | undefined {
  const wanted = route.split('/');
  const given = asked.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: string[] = [];
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) params.push(decodeURIComponent(value));
    else if (part !== value) return undefined;
  }
  return params;
}
