import { Server } from 'node:net';
import { once } from 'node:events';
import type { FastifyInstance } from 'fastify';
import type { ApiParts } from './parts.ts';

/**
 * How long a connection is kept on which nothing is asked. Clients are told, and leave it a second earlier; so they have
 * left, or asked once more, when as much time is given to those who are connected at the end.
 */
export const idleMilliseconds = 3000;

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
    const grace = clock.sleep(idleMilliseconds, limit.signal).catch(() => {});
    await Promise.race([parted, grace]);
    limit.abort();
  });
}
