// Where machines and their BMCs find us.
import type { Settings } from '#config/settings.ts';

/** The API as agents reach it, without a slash at its end. */
export function apiUrl(settings: Settings): string {
  return withoutSlash(settings.deploy.external_callback_url ?? sharedUrl(settings) ?? ownUrl(settings));
}

/** The root of what BMCs and machines download, without a slash at its end. */
export function mediaUrl(settings: Settings): string {
  const { external_http_url, http_url } = settings.deploy;
  return withoutSlash(external_http_url ?? http_url ?? sharedUrl(settings) ?? ownUrl(settings));
}

/** Whether some URL was set by which machines find the API wherever it runs. */
export function isApiUrlSet(settings: Settings): boolean {
  return settings.deploy.external_callback_url !== null || sharedUrl(settings) !== null;
}

function sharedUrl({ service_catalog, api }: Settings): string | null {
  return service_catalog.endpoint_override ?? api.public_endpoint;
}

function ownUrl({ DEFAULT, api }: Settings): string {
  const host = DEFAULT.my_ip.includes(':') ? `[${DEFAULT.my_ip}]` : DEFAULT.my_ip;
  return `http://${host}:${api.port}`;
}

/** A URL without the slashes at its end. A run of them is tried once, not from each: a node's may be long. */
export function withoutSlash(url: string): string {
  return url.replace(/(?<!\/)\/+$/, '');
}
