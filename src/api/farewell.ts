import { Server } from 'node:net';
import { once } from 'node:events';
import type { FastifyInstance } from 'fastify';
import type { ApiParts } from './parts.ts';

/** A client that polls comes back within this; who stays silent for longer opens another connection anyway. */
const graceMilliseconds = 1000;

/**
 * Lets a server that is closed go without cutting off a request that is on its way: nobody can connect any more, and
 * whoever is connected has a moment for one more request, whose answer says that the connection ends.
 */
export function addFarewell(app: FastifyInstance, { clock }: Pick<ApiParts, 'clock'>): void {
  app.addHook('preClose', async () => {
    if (!app.server.listening) return;
    const parted = once(app.server, 'close');
    // Only the listener: the server's own `close` would end every connection on which nothing is asked just now.
    Server.prototype.close.call(app.server);
    const limit = new AbortController();
    const grace = clock.sleep(graceMilliseconds, limit.signal).catch(() => {});
    await Promise.race([parted, grace]);
    limit.abort();
  });
}
