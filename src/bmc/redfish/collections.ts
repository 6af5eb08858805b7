// Collections of resources, page by page, with a bound on how much of one is believed.
import { BmcProtocolError } from '../errors.ts';
import type { RedfishClient, Resource } from './client.ts';
import { linkAt, listAt, textAt } from './json.ts';

const maxMembers = 1024;
const maxPages = 64;

/** The paths of the members. Throws BmcProtocolError if there are more than any real machine has. */
export async function memberPaths(
  client: RedfishClient,
  path: string,
  signal: AbortSignal,
): Promise<string[]> {
  const paths: string[] = [];
  let next: string | undefined = path;
  for (let page = 0; next !== undefined; page += 1) {
    const { body }: Resource = await client.get(next, signal);
    const members = listAt(body, 'Members');
    if (page >= maxPages || paths.length + members.length > maxMembers) {
      throw new BmcProtocolError(client.address, `lists more than can be believed in ${client.hide(path)}`);
    }
    paths.push(...linksOf(members));
    next = textAt(body, 'Members@odata.nextLink');
  }
  return paths;
}

export function linksOf(references: readonly unknown[]): string[] {
  return references.map((reference) => linkAt(reference)).filter((link) => link !== undefined);
}

/** The members themselves. What is gone since it was listed is left out; no `path` is an empty collection. */
export async function members(
  client: RedfishClient,
  path: string | undefined,
  signal: AbortSignal,
): Promise<Resource[]> {
  if (path === undefined) return [];
  const paths = await ifThere(memberPaths(client, path, signal));
  return resources(client, paths ?? [], signal);
}

/**
 * As many at once as the controller takes, so that the queue stays free for others. Throws BmcProtocolError if there
 * are more than any real machine has.
 */
export async function resources(
  client: RedfishClient,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Resource[]> {
  if (paths.length > maxMembers)
    throw new BmcProtocolError(client.address, 'links to more resources than can be believed');
  const found: (Resource | undefined)[] = [];
  const width = client.options.maxConcurrentRequests;
  for (let at = 0; at < paths.length; at += width) {
    const some = paths.slice(at, at + width).map((path) => ifThere(client.get(path, signal)));
    found.push(...(await Promise.all(some)));
  }
  return found.filter((resource) => resource !== undefined);
}

/** Undefined if the service has no such resource: services link to what they do not have. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const { status } = error instanceof BmcProtocolError ? error : {};
    if (status === 404 || status === 410 || status === 405 || status === 501) return undefined;
    throw error;
  }
}
