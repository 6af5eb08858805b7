// What an operator puts before several APIs, at its smallest: connections go to those who take them, in turn.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface LoadBalancer extends AsyncDisposable {
  readonly url: string;
}

/** Listens on the loopback, on a free port unless one is named. */
export async function startLoadBalancer(ports: readonly number[], port = 0): Promise<LoadBalancer> {
  const clients = new Set<Socket>();
  let turn = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    const order = ports.map((_, index) => ports[(turn + index) % ports.length] ?? 0);
    turn += 1;
    void join(client, order);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server that listens has one.
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const client of clients) client.destroy();
      await once(server, 'close');
    },
  };
}

/** Joins the client with the first that takes the connection; without any it is closed. */
async function join(client: Socket, ports: readonly number[]): Promise<void> {
  client.on('error', () => client.destroy());
  for (const port of ports) {
    const api = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const isThere = await once(api, 'connect').then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    api.on('error', () => client.destroy());
    client.on('close', () => api.destroy());
    api.on('close', () => client.destroy());
    client.pipe(api);
    api.pipe(client);
    return;
  }
  client.destroy();
}
