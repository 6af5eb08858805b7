// Which microversion a request is in: the header, or 1.1 without one (ironic api/controllers/base.py, 2026.2).
import type { IncomingHttpHeaders } from 'node:http';
import { maxMinor, minMinor, versionText } from '#model/microversion.ts';
import { RoutingError } from './wire-error.ts';

export const versionHeader = 'x-openstack-ironic-api-version';
export const minimumVersionHeader = 'x-openstack-ironic-api-minimum-version';
export const maximumVersionHeader = 'x-openstack-ironic-api-maximum-version';

export const minimumVersionText = versionText(minMinor);
export const maximumVersionText = versionText(maxMinor);

/** The texts that nearly every request carries, so that they need no parsing. */
const plain = new Map(
  Array.from({ length: maxMinor }, (_, index) => [versionText(index + 1), index + 1] as const),
);

/** The minor that a request's headers ask for. Throws RoutingError 406 for one we do not speak. */
export function negotiate(headers: IncomingHttpHeaders): number {
  const asked = headers['openstack-api-version'];
  const text = (asked === undefined ? undefined : ours(asked)) ?? headers[versionHeader];
  if (text === undefined) return minMinor;
  return plain.get(String(text)) ?? parse(String(text).trim());
}

/** Our part of the header that all services share: `compute 2.1, baremetal 1.51`. */
function ours(header: string | string[]): string | undefined {
  for (const part of String(header).split(',')) {
    const [service, version] = part.trim().split(/\s+/);
    if (service?.toLowerCase() === 'baremetal') return version;
  }
  return undefined;
}

function parse(text: string): number {
  if (text.toLowerCase() === 'latest') return maxMinor;
  const match = /^\s*([+-]?\d+)\.([+-]?\d+)$/.exec(text);
  if (!match) throw new RoutingError(406, `The API version '${text}' is not of the form 1.N or "latest".`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major === 1 && minor >= minMinor && minor <= maxMinor) return minor;
  throw new RoutingError(
    406,
    `Version ${text} was requested, but the versions spoken here are [${minimumVersionText}, ${maximumVersionText}].`,
    { tellsVersions: true },
  );
}
