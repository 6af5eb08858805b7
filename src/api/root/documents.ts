// The documents by which clients find out what is spoken here (ironic api/controllers/root.py, v1/__init__.py, 2026.2).
import { minMinor, maxMinor, versionText } from '#model/microversion.ts';
import { links } from '../links.ts';

/** What `/v1` links to, and the minor that brought each. */
const resources = {
  chassis: 1,
  nodes: 1,
  ports: 1,
  drivers: 1,
  lookup: 22,
  heartbeat: 22,
  portgroups: 23,
  volume: 32,
  conductors: 49,
  allocations: 52,
  events: 54,
  deploy_templates: 55,
  shards: 82,
  continue_inspection: 84,
  runbooks: 92,
  inspection_rules: 96,
} as const satisfies Record<string, number>;

/** Exactly one version is listed: clients that count them take more than one for another kind of service. */
function versionDocument(baseUrl: string): object {
  return {
    id: 'v1',
    links: [{ href: `${baseUrl}/v1/`, rel: 'self' }],
    status: 'CURRENT',
    min_version: versionText(minMinor),
    version: versionText(maxMinor),
  };
}

/** `GET /`. The name and description are published: clients tell the service by them. */
export function rootDocument(baseUrl: string): string {
  const version = versionDocument(baseUrl);
  return JSON.stringify({
    name: 'OpenStack Ironic API',
    description:
      'Ironic is an OpenStack project which enables the provision and management of baremetal machines.',
    default_version: version,
    versions: [version],
  });
}

/** `GET /v1`, as a microversion has it. */
export function v1Document(baseUrl: string, minor: number): string {
  const linked = Object.entries(resources)
    .filter(([, since]) => minor >= since)
    .map(([name]) => [name, links(baseUrl, `${name}/`)]);
  return JSON.stringify({
    id: 'v1',
    links: [
      { href: `${baseUrl}/v1/`, rel: 'self' },
      {
        href: 'https://docs.openstack.org//ironic/latest/contributor//webapi.html',
        rel: 'describedby',
        type: 'text/html',
      },
    ],
    media_types: { base: 'application/json', type: 'application/vnd.openstack.ironic.v1+json' },
    version: versionDocument(baseUrl),
    ...Object.fromEntries(linked),
  });
}
