// What every request goes through before its route: its version, and that both sides speak JSON.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Invalid } from '#model/faults.ts';
import { tellRequestId, tellVersion } from './answer-headers.ts';
import { negotiate } from './microversion.ts';
import { RoutingError } from './wire-error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** 0 until it is negotiated. */
    minor: number;
  }
  interface FastifyContextConfig {
    /** Of routes that answer with Server-Sent Events too. */
    streams?: boolean;
  }
}

/** Throws RoutingError (406) for a version or a form of answers that there is not, Invalid (400) for a form sent. */
export function openRequest(request: FastifyRequest, reply: FastifyReply): void {
  request.minor = negotiate(request.headers);
  tellVersion(reply, request.minor);
  tellRequestId(reply);
  if (!acceptsJson(request.headers.accept) && !acceptsEvents(request))
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

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept === '*/*') return true;
  return accept
    .split(',')
    .some(
      (range) =>
        /^\s*(application\/(json|\*)|\*\/\*)\s*(;|$)/i.test(range) && !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range),
    );
}

/** Whether the caller takes Server-Sent Events, and the route has them to give. */
export function acceptsEvents({ headers, routeOptions }: FastifyRequest): boolean {
  return (
    routeOptions.config.streams === true && /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(headers.accept ?? '')
  );
}
