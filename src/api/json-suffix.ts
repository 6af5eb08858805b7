// Below 1.91 a path may end in `.json` (ironic api/middleware/json_ext.py); from there it is part of a name.
import type { IncomingMessage } from 'node:http';
import { maxMinor } from '#model/microversion.ts';
import { negotiate } from './microversion.ts';

const suffixIsNameSince = 91;

/** Takes the suffix off requests before they are routed, and knows of each whether it had one. */
export class JsonSuffix {
  readonly #taken = new WeakSet<IncomingMessage>();

  /** The URL to route by: without the suffix where the request's version has it so. */
  takeOff(request: IncomingMessage): string {
    const url = request.url ?? '/';
    if (!url.includes('.json')) return url;
    const match = /^([^?#]*)\.json(\/?(?:[?#].*)?)$/.exec(url);
    if (!match || versionOf(request) >= suffixIsNameSince) return url;
    this.#taken.add(request);
    return `${match[1]}${match[2]}`;
  }

  wasOn(request: IncomingMessage): boolean {
    return this.#taken.has(request);
  }
}

/** The version asked for; where there is none to be had, the newest: the request will be refused for it later. */
function versionOf(request: IncomingMessage): number {
  try {
    return negotiate(request.headers);
  } catch {
    return maxMinor;
  }
}
