// The HTTP side of the API: every route of the tables onto one server.
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { NotAcceptable, NotFound } from '#model/faults.ts';
import { contextOf, openAccess } from './access.ts';
import { allowedMethods } from './allowed-methods.ts';
import { answerBadPath, answerError, answerUnreadable } from './answer-error.ts';
import { tellRequestId, withholdRequestId, withholdVersions } from './answer-headers.ts';
import { addBootMedia, bootMediaPath } from './boot-media/boot-media.ts';
import { Call } from './call.ts';
import { addFarewell, idleMilliseconds } from './farewell.ts';
import { checkDepth } from './json-body.ts';
import { addHealthcheck, healthcheckPath } from './healthcheck.ts';
import { createEventHub } from './ingot/events/all-events.ts';
import { FleetPast } from './ingot/fleet-past.ts';
import { JsonSuffix } from './json-suffix.ts';
import { addMeasure, metricsPath } from './measure.ts';
import { NodeViews } from './nodes/serialize.ts';
import { acceptsEvents, openRequest } from './open-request.ts';
import { baseUrlOf, refuseOtherSites } from './own-url.ts';
import type { ApiParts, ApiWorkings } from './parts.ts';
import { rootDocument, v1Document } from './root/documents.ts';
import type { BodySize, Route } from './route.ts';
import { routes } from './routes.ts';
import { send, sendJson } from './send.ts';
import { traceRequests } from './trace-requests.ts';
import { tracedCalls } from './traced-calls.ts';
import { faultBody, RoutingError } from './wire-error.ts';

/** A name may be 255 characters, each three in a URL; what is longer is answered as a bad name, not as no route. */
const maxParamLength = 16_384;

/** For a whole request, headers and body, however slowly it drips; what the largest takes on a poor line. */
const requestMilliseconds = 300_000;

/**
 * The API over its parts, not yet listening. `close()` ends it once the requests under way are answered.
 */
export function createApi(given: ApiParts): FastifyInstance {
  const { tracer } = given;
  const parts = tracer ? { ...given, conductors: tracedCalls(given.conductors, tracer) } : given;
  const suffix = new JsonSuffix();
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    genReqId: () => `req-${parts.random.uuid()}`,
    rewriteUrl: (request) => suffix.takeOff(request),
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength,
      onBadUrl: answerBadPath,
    },
    bodyLimit: bodyLimit(parts, 'ordinary'),
    requestTimeout: requestMilliseconds,
    keepAliveTimeout: idleMilliseconds,
    // Who sends a request on a connection that is about to end is answered, and told that it ends.
    return503OnClosing: false,
    clientErrorHandler: answerUnreadable,
  });

  // Each handler parses its own body, when it has come to the point where a bad one would be told.
  app.removeAllContentTypeParsers();
  const maxDepth = parts.settings.api.max_json_body_depth;
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body: string, done) => {
    try {
      checkDepth(body, maxDepth);
      done(null, body);
    } catch (error) {
      done(error as Error); // Only BodyRefused is thrown there.
    }
  });

  traceRequests(app, tracer);
  app.decorateRequest('minor', 0);
  app.addHook('onRequest', (request, reply, done) => {
    try {
      if (!parts.access) refuseOtherSites(parts.settings, request);
      if (!isVersionless(request)) openRequest(request, reply);
      done();
    } catch (error) {
      done(error as Error); // Only Errors are thrown there.
    }
  });
  app.setErrorHandler((error, request, reply) => answerError(parts, error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    if (request.method !== 'OPTIONS') throw noRoute(request);
    // As the reference's layer for browsers does, whatever the path; it says nothing of the request.
    withholdVersions(reply);
    withholdRequestId(reply);
    return reply.code(200).send();
  });

  addRoot(app, parts);
  const eventHub = createEventHub(parts);
  app.addHook('preClose', async () => await eventHub.close());
  const past = new FleetPast(parts.store.read, parts.clock);
  const workings = { ...parts, nodeViews: new NodeViews(), past, eventHub };
  const unfollow = parts.ring.follow(parts.signals);
  app.addHook('onClose', async () => unfollow());
  addBootMedia(app, parts);
  addHealthcheck(app, parts);
  addMeasure(app, parts, () => eventHub.size);
  for (const route of routes) addRoute(app, workings, route, suffix);
  addFarewell(app, parts);
  return app;
}

/** Of every version: the document that says which there are, and what BMCs fetch. */
function isVersionless(request: FastifyRequest): boolean {
  const { url } = request.routeOptions;
  return (
    url === '/' || url === healthcheckPath || url === metricsPath || request.url.startsWith(bootMediaPath)
  );
}

function bodyLimit(parts: ApiParts, size: BodySize): number {
  const { api } = parts.settings;
  switch (size) {
    case 'ordinary':
      return api.max_json_body_size * 1024;
    case 'provision':
      return api.max_json_body_size_provision * 1024;
    case 'inspection':
      return api.max_json_body_size_inspection * 1024;
  }
}

const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** `/` and `/v1`, which answer outside the pattern of all others. */
function addRoot(app: FastifyInstance, parts: ApiParts): void {
  app.route({
    method: [...everyMethod, 'OPTIONS'],
    url: '/',
    handler: (request, reply) => {
      tellRequestId(reply);
      return sendJson(reply, 200, rootDocument(baseUrlOf(parts.settings, request)));
    },
  });
  app.route({
    method: [...everyMethod],
    url: '/v1',
    handler: (request, reply) => {
      if (request.method === 'GET')
        return sendJson(reply, 200, v1Document(baseUrlOf(parts.settings, request), request.minor));
      return sendJson(reply, 405, faultBody(405, 'The document of the API can only be read.'));
    },
  });
}

function addRoute(app: FastifyInstance, parts: ApiWorkings, route: Route, suffix: JsonSuffix): void {
  const access = parts.access ?? openAccess;
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (request.minor < route.since) throw tooOld(route);
    const caller = await access.identify(request.headers);
    await access.check(route.policy, caller);
    const call = new Call(parts, {
      minor: request.minor,
      baseUrl: baseUrlOf(parts.settings, request),
      context: contextOf(request.id, caller),
      // The router gives texts, decoded; a list only in queries where an argument stands twice.
      params: request.params as Record<string, string>,
      query: request.query as Record<string, string | string[]>,
      bodyText: typeof request.body === 'string' ? request.body : '',
      check: (policy) => access.check(policy, caller),
      hadJsonSuffix: suffix.wasOn(request.raw),
      acceptsEvents: acceptsEvents(request),
      lastEventId: lastEventIdOf(request),
      projectId: caller.projectId ?? null,
    });
    return send(reply, await route.handler(call));
  };
  const prefixes = route.path.startsWith('/ingot/') ? [''] : ['/v1', ''];
  for (const prefix of prefixes)
    app.route({
      method: route.method,
      url: prefix + route.path,
      bodyLimit: bodyLimit(parts, route.bodySize ?? 'ordinary'),
      config: { streams: route.streams ?? false },
      handler,
    });
}

function lastEventIdOf({ headers }: FastifyRequest): string | null {
  const id = headers['last-event-id'];
  return typeof id === 'string' ? id : null;
}

function tooOld(route: Route): Error {
  const { status, form } = route.tooOld ?? { status: 404, form: 'fault' };
  if (form === 'routing')
    return new RoutingError(status, 'The API version of the request does not have this.');
  return status === 406 ? new NotAcceptable() : new NotFound();
}

function noRoute(request: FastifyRequest): RoutingError {
  const path = request.url.replace(/[?#].*$/, '').replace(/(?<=[^/])\/+$/, '');
  const allow = allowedMethods(routes, path.replace(/^\/v1(?=\/|$)/, ''));
  if (allow.length === 0) return new RoutingError(404);
  return new RoutingError(405, '', { allow });
}
