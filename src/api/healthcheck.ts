// GET /healthcheck: for load balancers, in the forms of oslo.middleware's healthcheck. Outside of versions and access.
import { existsSync } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Settings } from '#config/settings.ts';
import type { ApiParts } from './parts.ts';

export const healthcheckPath = '/healthcheck';

interface Health {
  readonly isWell: boolean;
  readonly reason: string;
  /** For who may know more. */
  readonly details: string;
}

type Backend = (options: Settings['healthcheck'], request: FastifyRequest) => Health;

/** What `[healthcheck]backends` may name. */
const backends: Readonly<Record<string, Backend>> = {
  disable_by_file: ({ disable_by_file_path: path }) => byFile(path),
  disable_by_files_ports: ({ disable_by_file_paths: paths }, { socket }) => {
    const own = paths.find((each) => each.startsWith(`${socket.localPort}:`));
    return byFile(own?.slice(own.indexOf(':') + 1) ?? null);
  },
};

/** An operator takes this process out of the balance by making a file. */
function byFile(path: string | null): Health {
  if (path === null || !existsSync(path))
    return { isWell: true, reason: 'OK', details: `Path '${path}' was not found` };
  return { isWell: false, reason: 'DISABLED BY FILE', details: `Path '${path}' was found` };
}

/** Nothing where `[healthcheck]enabled` is off, as in Ironic. */
export function addHealthcheck(app: FastifyInstance, { settings }: Pick<ApiParts, 'settings'>): void {
  if (!settings.healthcheck.enabled) return;
  app.route({
    method: ['GET', 'HEAD'],
    url: healthcheckPath,
    handler: (request, reply) => answer(settings.healthcheck, request, reply),
  });
}

function answer(
  options: Settings['healthcheck'],
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const results = options.backends.flatMap((name) => {
    const backend = Object.hasOwn(backends, name) ? backends[name] : undefined;
    return backend ? [{ name, ...backend(options, request) }] : [];
  });
  const isWell = results.every((result) => result.isWell);
  reply.code(isWell ? 200 : 503);
  if (request.method === 'HEAD') return reply.code(isWell ? 204 : 503).send();
  const reasons = results.length === 0 ? ['OK'] : results.map(({ reason }) => reason);
  const shown = options.detailed ? results : [];
  switch (formOf(request.headers.accept)) {
    case 'json': {
      const body = options.detailed
        ? { detailed: true, now: new Date().toISOString(), reasons: shown.map(detailsOf) }
        : { detailed: false, reasons };
      return reply.type('application/json').send(JSON.stringify(body, null, 4));
    }
    case 'html':
      return reply.type('text/html; charset=UTF-8').send(page(reasons, shown));
    case 'plain':
      return reply.type('text/plain; charset=UTF-8').send(plain(reasons, shown));
  }
}

function formOf(accept: string | undefined): 'json' | 'html' | 'plain' {
  // Browsers name many; who names one first means it.
  const named = /text\/html|application\/json|text\/plain/.exec(accept ?? '')?.[0];
  return named === 'text/html' ? 'html' : named === 'application/json' ? 'json' : 'plain';
}

function detailsOf({ name, reason, details }: Health & { name: string }): Record<string, string> {
  return { class: name, reason, details };
}

function plain(reasons: readonly string[], shown: readonly (Health & { name: string })[]): string {
  return [...reasons, ...shown.map(({ name, details }) => `${name}: ${details}`)].join('\n');
}

function page(reasons: readonly string[], shown: readonly (Health & { name: string })[]): string {
  const lines = plain(reasons, shown)
    .split('\n')
    .map((line) => `<P>${line.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</P>`);
  return `<HTML><HEAD><TITLE>Healthcheck Status</TITLE></HEAD><BODY>${lines.join('')}</BODY></HTML>\n`;
}
