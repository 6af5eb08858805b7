import { createServer } from 'node:http';
import { once } from 'node:events';
import type { Settings } from '#config/settings.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import { StartError } from './start-error.ts';

/** Serves what was counted on a port of its own, so that a conductor, which serves nothing else, can be watched too. */
export async function listenForMetrics({ ingot }: Settings, metrics: Metrics): Promise<AsyncDisposable> {
  const { metrics_port: port, metrics_host_ip: host } = ingot;
  if (port === null) return { [Symbol.asyncDispose]: async () => {} };
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    throw new StartError(
      `Metrics cannot be served on port ${port} of ${host}: change [ingot]metrics_port or metrics_host_ip.`,
      { cause },
    );
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
