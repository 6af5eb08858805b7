// Under which URL clients and browsers know the API, by the Host and Origin headers of a request.
import type { FastifyRequest } from 'fastify';
import type { Settings } from '#config/settings.ts';
import { Invalid } from '#model/faults.ts';
import { RoutingError } from './wire-error.ts';

/** Names, addresses and a port: what the text of a link, and the JSON around it, can take as it is. */
const hostHeader = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i;

/** What links in answers begin with. Throws Invalid (400) for a Host header that names no host (RFC 9112 §3.2). */
export function baseUrlOf({ api }: Settings, request: FastifyRequest): string {
  const { public_endpoint, host_ip, port } = api;
  if (public_endpoint !== null) return public_endpoint.replace(/\/+$/, '');
  const host = request.headers.host ?? `${host_ip}:${port}`;
  if (!hostHeader.test(host)) throw new Invalid('The Host header does not name a host.');
  return `${request.protocol}://${host}`;
}

/**
 * Where nobody has to say who they are, being on this machine is what counts, and a browser on it would lend that to
 * every page it shows: a POST of text needs no leave from us to be sent. Only browsers name an origin. A name that a
 * page came by may lead here a moment later, so only an address or the public endpoint is known to be our own.
 * Throws RoutingError (403) for a page's request whose origin is not the API's.
 */
export function refuseOtherSites({ api }: Settings, request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (origin === undefined || request.method === 'OPTIONS') return;
  const asking = URL.parse(origin)?.host;
  const isNoName = /^(localhost|[\d.]+|\[[\da-f:.]+\])(:\d+)?$/i.test(host ?? '');
  const ours = [isNoName ? host : undefined, URL.parse(api.public_endpoint ?? '')?.host];
  if (asking === undefined || !ours.includes(asking))
    throw new RoutingError(
      403,
      'Pages of other sites may not use the API; under which URL browsers know it is set by [api]public_endpoint.',
    );
}
