// How servers of images and boot files are reached: how they are verified, how long they may take, and which are never
// asked. What this process can reach is more than whoever names a URL can.
import { readFile } from 'node:fs/promises';
import { Agent } from 'undici';
import { lookupElsewhere } from '#config/lookup-elsewhere.ts';
import type { Settings } from '#config/settings.ts';
import { isLinkLocal } from '#model/link-local.ts';

export interface ImageServerOptions {
  /** How long a server may be silent. */
  readonly timeoutSeconds: number;
  /** True, false, or the file of the authorities that servers are verified by. */
  readonly verifyCa: boolean | string;
}

export function imageServerOptions({ DEFAULT }: Settings): ImageServerOptions {
  const verify = DEFAULT.webserver_verify_ca;
  return {
    timeoutSeconds: DEFAULT.webserver_connection_timeout,
    verifyCa: /^(true|false)$/i.test(verify) ? verify.toLowerCase() === 'true' : verify,
  };
}

/** A server that is not asked, whoever names it. */
export class ServerRefused extends Error {
  override readonly name = 'ServerRefused';
}

/** Connections to the server of a URL. Throws ServerRefused for a link-local address; a name that leads to one leads nowhere. */
export async function connectionsTo(
  url: string,
  { timeoutSeconds, verifyCa }: ImageServerOptions,
): Promise<AsyncDisposable & { dispatcher: Agent }> {
  if (isLinkLocal(new URL(url).hostname)) throw new ServerRefused('its server has a link-local address');
  const milliseconds = timeoutSeconds * 1000;
  const ca = typeof verifyCa === 'string' ? await readFile(verifyCa, 'utf8') : undefined;
  const dispatcher = new Agent({
    headersTimeout: milliseconds,
    bodyTimeout: milliseconds,
    connect: {
      timeout: milliseconds,
      lookup: lookupElsewhere,
      rejectUnauthorized: verifyCa !== false,
      ...(ca === undefined ? {} : { ca }),
    },
  });
  return { dispatcher, [Symbol.asyncDispose]: async () => await dispatcher.destroy() };
}
