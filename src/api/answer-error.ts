// Every way in which a request can end in an error, and the form it is answered in.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tellRequestId, tellVersionRange, withholdRequestId, withholdVersions } from './answer-headers.ts';
import type { ApiParts } from './parts.ts';
import { sendJson } from './send.ts';
import { BodyRefused, faultBody, isFault, refusedBody, RoutingError, routingBody } from './wire-error.ts';

/** After how long what was refused as busy is worth asking for again. */
const retryAfterSeconds = 2;

/** Answers an error in the form of the place it comes from. What is not meant for the caller goes to the log only. */
export function answerError(
  parts: ApiParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (isFault(error)) {
    if (error.status === 503 && readsRetryAfter(request)) reply.header('retry-after', retryAfterSeconds);
    return sendJson(reply, error.status, faultBody(error.status, error.message));
  }
  if (error instanceof RoutingError) return answerRoutingError(error, request, reply);
  const refused = asRefusedBody(error);
  if (refused) {
    withholdVersions(reply);
    return sendJson(reply, refused.status, refusedBody(refused));
  }
  parts.log.error(
    { err: error, request: request.id, method: request.method, route: request.routeOptions.url },
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
  withholdVersions(reply);
  if (error.tellsVersions) tellVersionRange(reply);
  // `/v1` itself is answered by a handler, not by the router, and so in a handler's form.
  if (request.routeOptions.url === '/v1' || /^\/v1\/?(\?|$)/.test(request.url)) {
    tellRequestId(reply);
    return sendJson(reply, error.status, faultBody(error.status, error.message));
  }
  withholdRequestId(reply);
  if (error.allow.length > 0) reply.header('allow', error.allow.join(', '));
  return sendJson(reply, error.status, routingBody(error));
}

/**
 * python-ironicclient (up to 5.x, and so `openstack baremetal`) stumbles over the header with a TypeError, instead of
 * telling what was answered, or of asking again as it does by itself without it.
 */
function readsRetryAfter({ headers }: FastifyRequest): boolean {
  return !headers['user-agent']?.startsWith('python-ironicclient');
}

/** Answers a path that cannot be decoded, which comes to no route. */
export function answerBadPath(path: string, _request: unknown, response: ServerResponse): void {
  const error = new RoutingError(400, `The path ${JSON.stringify(path)} is not well encoded.`);
  response.writeHead(400, { 'content-type': 'application/json' }).end(routingBody(error));
}

/** Answers what the HTTP parser could not read as a request, if anybody still listens, and hangs up. */
export function answerUnreadable(_error: Error, socket: Socket): void {
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
