// The HTTP side of the API: versions, headers, error bodies, and every route of the tables onto one server.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { maxMinor } from '#model/microversion.ts';
import { Invalid, NotAcceptable, NotFound } from '#model/faults.ts';
import { contextOf, openAccess } from './access.ts';
import { addBootMedia, bootMediaPath } from './boot-media/boot-media.ts';
import { type Answer, Call } from './call.ts';
import { checkDepth } from './json-body.ts';
import {
  maximumVersionHeader,
  maximumVersionText,
  minimumVersionHeader,
  minimumVersionText,
  negotiate,
  versionHeader,
} from './microversion.ts';
import { allowedMethods } from './allowed-methods.ts';
import { NodeViews } from './nodes/serialize.ts';
import type { ApiParts, ApiWorkings } from './parts.ts';
import { rootDocument, v1Document } from './root/documents.ts';
import type { BodySize, Route } from './route.ts';
import { routes } from './routes.ts';
import { BodyRefused, faultBody, isFault, refusedBody, RoutingError, routingBody } from './wire-error.ts';
import { versionText } from '#model/microversion.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** 0 until it is negotiated. */
    minor: number;
  }
}

/** A name may be 255 characters, each three in a URL; what is longer is answered as a bad name, not as no route. */
const maxParamLength = 16_384;

/** For a whole request, headers and body, however slowly it drips; what the largest takes on a poor line. */
const requestMilliseconds = 300_000;

/** From 1.91 `.json` at the end of a path is part of a name. */
const suffixIsNameSince = 91;

/**
 * The API over its parts, not yet listening. `close()` ends it once the requests under way are answered.
 */
export function createApi(parts: ApiParts): FastifyInstance {
  const withoutSuffix = new WeakSet<IncomingMessage>();
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    genReqId: () => `req-${parts.random.uuid()}`,
    rewriteUrl: (request) => takeSuffixOff(request, withoutSuffix),
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength,
      onBadUrl: (path, _request, response) => {
        const body = routingBody(
          new RoutingError(400, `The path ${JSON.stringify(path)} is not well encoded.`),
        );
        response.writeHead(400, { 'content-type': 'application/json' }).end(body);
      },
    },
    bodyLimit: bodyLimit(parts, 'ordinary'),
    requestTimeout: requestMilliseconds,
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

  app.decorateRequest('minor', 0);
  app.addHook('onRequest', (request, reply, done) => {
    try {
      if (!parts.access) refuseOtherSites(parts, request);
      openRequest(request, reply);
      done();
    } catch (error) {
      done(error as Error); // Only Errors are thrown there.
    }
  });
  app.setErrorHandler((error, request, reply) => answerError(parts, error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    if (request.method !== 'OPTIONS') throw noRoute(request);
    // As the reference's layer for browsers does, whatever the path; it says nothing of the request.
    for (const name of [...versionHeaders, ...requestIdHeaders]) reply.removeHeader(name);
    return reply.code(200).send();
  });

  addRoot(app, parts);
  const workings = { ...parts, nodeViews: new NodeViews() };
  addBootMedia(app, parts);
  for (const route of routes) addRoute(app, workings, route, withoutSuffix);
  return app;
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

/** Takes `.json` off a path where the request's version still has it so, and remembers that it was there. */
function takeSuffixOff(request: IncomingMessage, withoutSuffix: WeakSet<IncomingMessage>): string {
  const url = request.url ?? '/';
  if (!url.includes('.json')) return url;
  const match = /^([^?#]*)\.json(\/?(?:[?#].*)?)$/.exec(url);
  if (!match || versionOf(request) >= suffixIsNameSince) return url;
  withoutSuffix.add(request);
  return `${match[1]}${match[2]}`;
}

/** The version asked for; where there is none to be had, the newest: the request will be refused for it later. */
function versionOf(request: IncomingMessage): number {
  try {
    return negotiate(request.headers);
  } catch {
    return maxMinor;
  }
}

/**
 * Where nobody has to say who they are, being on this machine is what counts, and a browser on it would lend that to
 * every page it shows: a POST of text needs no leave from us to be sent. Only browsers name an origin. A name that a
 * page came by may lead here a moment later, so only an address or the public endpoint is known to be our own.
 * Throws RoutingError (403) for a page's request whose origin is not the API's.
 */
function refuseOtherSites({ settings }: ApiParts, request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (origin === undefined || request.method === 'OPTIONS') return;
  const asking = URL.parse(origin)?.host;
  const isNoName = /^(localhost|[\d.]+|\[[\da-f:.]+\])(:\d+)?$/i.test(host ?? '');
  const ours = [isNoName ? host : undefined, URL.parse(settings.api.public_endpoint ?? '')?.host];
  if (asking === undefined || !ours.includes(asking))
    throw new RoutingError(
      403,
      'Pages of other sites may not use the API; under which URL browsers know it is set by [api]public_endpoint.',
    );
}

function openRequest(request: FastifyRequest, reply: FastifyReply): void {
  if (isRoot(request) || request.url.startsWith(bootMediaPath)) return;
  request.minor = negotiate(request.headers);
  reply.headers({
    [minimumVersionHeader]: minimumVersionText,
    [maximumVersionHeader]: maximumVersionText,
    [versionHeader]: versionText(request.minor),
    'openstack-request-id': request.id,
    'x-openstack-request-id': request.id,
  });
  if (!acceptsJson(request.headers.accept))
    throw new RoutingError(406, 'Answers are application/json, which the Accept header does not allow.');
  takeAsJson(request);
}

/** Bodies are JSON whatever they are said to be, as in the reference; only a form is not, which curl -d says it sends. */
function takeAsJson(request: FastifyRequest): void {
  const type = request.raw.headers['content-type'];
  if (type === undefined) return;
  if (type.startsWith('application/x-www-form-urlencoded'))
    throw new Invalid('The body has to be JSON: send it with Content-Type: application/json.');
  // Overwritten, so that the library does not look for a parser for it.
  request.raw.headers['content-type'] = 'application/json';
}

function isRoot(request: FastifyRequest): boolean {
  return request.routeOptions.url === '/';
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept === '*/*') return true;
  return accept
    .split(',')
    .some(
      (range) =>
        /^\s*(application\/(json|\*)|\*\/\*)\s*(;|$)/i.test(range) && !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range),
    );
}

/** Names, addresses and a port: what the text of a link, and the JSON around it, can take as it is. */
const hostHeader = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i;

/** Throws Invalid (400) for a Host header that names no host (RFC 9112 §3.2). */
function baseUrlOf(parts: ApiParts, request: FastifyRequest): string {
  const { public_endpoint, host_ip, port } = parts.settings.api;
  if (public_endpoint !== null) return public_endpoint.replace(/\/+$/, '');
  const host = request.headers.host ?? `${host_ip}:${port}`;
  if (!hostHeader.test(host)) throw new Invalid('The Host header does not name a host.');
  return `${request.protocol}://${host}`;
}

const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** `/` and `/v1`, which answer outside the pattern of all others. */
function addRoot(app: FastifyInstance, parts: ApiParts): void {
  app.route({
    method: [...everyMethod, 'OPTIONS'],
    url: '/',
    handler: (request, reply) => {
      reply.header('openstack-request-id', request.id).header('x-openstack-request-id', request.id);
      return sendJson(reply, 200, rootDocument(baseUrlOf(parts, request)));
    },
  });
  app.route({
    method: [...everyMethod],
    url: '/v1',
    handler: (request, reply) => {
      if (request.method === 'GET')
        return sendJson(reply, 200, v1Document(baseUrlOf(parts, request), request.minor));
      return sendJson(reply, 405, faultBody(405, 'The document of the API can only be read.'));
    },
  });
}

function addRoute(
  app: FastifyInstance,
  parts: ApiWorkings,
  route: Route,
  withoutSuffix: WeakSet<IncomingMessage>,
): void {
  const access = parts.access ?? openAccess;
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (request.minor < route.since) throw tooOld(route);
    const caller = await access.identify(request.headers);
    await access.check(route.policy, caller);
    const call = new Call(parts, {
      minor: request.minor,
      baseUrl: baseUrlOf(parts, request),
      context: contextOf(request.id, caller),
      // The router gives texts, decoded; a list only in queries where an argument stands twice.
      params: request.params as Record<string, string>,
      query: request.query as Record<string, string | string[]>,
      bodyText: typeof request.body === 'string' ? request.body : '',
      check: (policy) => access.check(policy, caller),
      hadJsonSuffix: withoutSuffix.has(request.raw),
    });
    return send(reply, await route.handler(call));
  };
  const prefixes = route.path.startsWith('/ingot/') ? [''] : ['/v1', ''];
  for (const prefix of prefixes)
    app.route({
      method: route.method,
      url: prefix + route.path,
      bodyLimit: bodyLimit(parts, route.bodySize ?? 'ordinary'),
      handler,
    });
}

function tooOld(route: Route): Error {
  const { status, form } = route.tooOld ?? { status: 404, form: 'fault' };
  if (form === 'routing')
    return new RoutingError(status, 'The API version of the request does not have this.');
  return status === 406 ? new NotAcceptable() : new NotFound();
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.location !== undefined) reply.header('location', answer.location);
  if (answer.body !== undefined) return sendJson(reply, answer.status, answer.body);
  return reply.code(answer.status).send();
}

function sendJson(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', 'application/json').send(body);
}

function noRoute(request: FastifyRequest): RoutingError {
  const path = request.url.replace(/[?#].*$/, '').replace(/(?<=[^/])\/+$/, '');
  const allow = allowedMethods(routes, path.replace(/^\/v1(?=\/|$)/, ''));
  if (allow.length === 0) return new RoutingError(404);
  return new RoutingError(405, '', { allow });
}

const versionHeaders = [versionHeader, minimumVersionHeader, maximumVersionHeader] as const;
const requestIdHeaders = ['openstack-request-id', 'x-openstack-request-id'] as const;

/** Answers an error in the form of the place it comes from. What is not meant for the caller goes to the log only. */
function answerError(
  parts: ApiParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (isFault(error)) return sendJson(reply, error.status, faultBody(error.status, error.message));
  if (error instanceof RoutingError) return answerRoutingError(error, request, reply);
  const refused = asRefusedBody(error);
  if (refused) {
    for (const name of versionHeaders) reply.removeHeader(name);
    return sendJson(reply, refused.status, refusedBody(refused));
  }
  parts.log.error(
    { err: error, requestId: request.id, method: request.method, route: request.routeOptions.url },
    'a request failed',
  );
  const trace =
    parts.settings.DEFAULT.debug_tracebacks_in_api && error instanceof Error ? (error.stack ?? null) : null;
  return sendJson(
    reply,
    500,
    faultBody(500, `The request failed for a reason the log tells under ${request.id}.`, trace),
  );
}

function answerRoutingError(error: RoutingError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  for (const name of versionHeaders) reply.removeHeader(name);
  if (error.tellsVersions)
    reply.headers({ [minimumVersionHeader]: minimumVersionText, [maximumVersionHeader]: maximumVersionText });
  // `/v1` itself is answered by a handler, not by the router, and so in a handler's form.
  if (request.routeOptions.url === '/v1' || /^\/v1\/?(\?|$)/.test(request.url)) {
    reply.header('openstack-request-id', request.id).header('x-openstack-request-id', request.id);
    return sendJson(reply, error.status, faultBody(error.status, error.message));
  }
  for (const name of requestIdHeaders) reply.removeHeader(name);
  if (error.allow.length > 0) reply.header('allow', error.allow.join(', '));
  return sendJson(reply, error.status, routingBody(error));
}

/** Answers what the HTTP parser could not read as a request, if anybody still listens, and hangs up. */
function answerUnreadable(_error: Error, socket: Socket): void {
  if (!socket.writable) return;
  const body = routingBody(new RoutingError(400, 'The request is not well formed.'));
  const head = `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`);
}

/** Whether a body was refused, by us or by the HTTP library. */
function asRefusedBody(error: unknown): BodyRefused | undefined {
  if (error instanceof BodyRefused) return error;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return new BodyRefused(413, 'The body of the request is too large.');
  // The library refuses what is not a request: a body shorter than announced, a malformed header.
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new BodyRefused(status, 'The request is not well formed.');
  return undefined;
}
