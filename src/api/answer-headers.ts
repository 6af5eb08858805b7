// Headers that say which request an answer is for, and which versions there are. What comes of no route has fewer.
import type { FastifyReply } from 'fastify';
import { versionText } from '#model/microversion.ts';
import {
  maximumVersionHeader,
  maximumVersionText,
  minimumVersionHeader,
  minimumVersionText,
  versionHeader,
} from './microversion.ts';

/** The name that all services share, and the older one. */
const requestIdHeaders = ['openstack-request-id', 'x-openstack-request-id'] as const;

export function tellRequestId(reply: FastifyReply): void {
  for (const name of requestIdHeaders) reply.header(name, reply.request.id);
}

export function withholdRequestId(reply: FastifyReply): void {
  for (const name of requestIdHeaders) reply.removeHeader(name);
}

/** Which versions there are, and which one the answer is in. */
export function tellVersion(reply: FastifyReply, minor: number): void {
  tellVersionRange(reply);
  reply.header(versionHeader, versionText(minor));
}

export function tellVersionRange(reply: FastifyReply): void {
  reply.header(minimumVersionHeader, minimumVersionText).header(maximumVersionHeader, maximumVersionText);
}

export function withholdVersions(reply: FastifyReply): void {
  for (const name of [versionHeader, minimumVersionHeader, maximumVersionHeader]) reply.removeHeader(name);
}
