// A loopback HTTP or HTTPS server, and what its handlers need of a request.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface ListenOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  tls?: { cert: string; key: string } | undefined;
}

interface ClosableServer {
  close(done: () => void): unknown;
  closeAllConnections(): void;
}

interface Listener {
  server: ClosableServer;
  /** Scheme, host and port. */
  address: string;
}

/** Resolves when it listens; rejects with the reason when the port cannot be had. */
export function listen(
  options: ListenOptions,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listener> {
  const server = options.tls ? createSecureServer(options.tls, handle) : createServer(handle);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      const { port } = server.address() as AddressInfo; // a listening TCP server has one
      const host = options.host.includes(':') ? `[${options.host}]` : options.host;
      resolve({ server, address: `${options.tls ? 'https' : 'http'}://${host}:${port}` });
    });
  });
}

/** Stops listening and tears down what is open, exchanges that hang included. */
export function closeServer(server: ClosableServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

export class BodyTooLarge extends Error {}

/** The whole body as text; throws BodyTooLarge above the limit. */
export async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const pieces: Buffer[] = [];
  let total = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    // no encoding is set, so pieces are buffers
    total += piece.length;
    // Read to its end all the same: a refusal can only be answered on a connection that is still in step.
    if (total <= limit) pieces.push(piece);
  }
  if (total > limit) throw new BodyTooLarge(`The body is larger than ${limit} bytes.`);
  return Buffer.concat(pieces).toString('utf8');
}
