import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that the system hands out, so that nobody takes it while a service is being started again. */
const reserved = { from: 20_000, count: 10_000 };

/** A port of the loopback that is free, and stays so for a service that is to come back on the same one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = reserved.from + randomInt(reserved.count);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
