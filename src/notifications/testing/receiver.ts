// A real HTTP server that is posted notifications, and fails as it is told.
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Notification } from '../notification.ts';

export interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly notification: Notification;
}

/** What it does with a request; `undefined` answers 204. */
export type Behaviour = (delivery: Delivery, response: ServerResponse) => number | 'hang' | undefined;

export class Receiver implements AsyncDisposable {
  /** All that came, in order, also what was refused. */
  readonly came: Delivery[] = [];
  /** All that was answered with 2xx. */
  readonly taken: Delivery[] = [];
  behave: Behaviour = () => undefined;
  readonly #news = new EventEmitter();
  #server = createServer();
  #port = 0;

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await receiver.start();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/told`;
  }

  /** The nodes that were told of, in the order in which they were taken. */
  get names(): unknown[] {
    return this.taken.map(({ notification }) => notification.payload['ironic_object.data']['name']);
  }

  /** Also again, on the same port. */
  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const notification = JSON.parse(body) as Notification;
        this.#answer({ headers: request.headers, body, notification }, response);
      });
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    // A server that listens has an address of its port.
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Resolves when it is so, looked at whenever something came. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.#news, 'came');
  }

  #answer(delivery: Delivery, response: ServerResponse): void {
    this.came.push(delivery);
    const status = this.behave(delivery, response) ?? 204;
    if (status !== 'hang') {
      response.writeHead(status, status === 302 ? { location: this.url } : {}).end();
      if (status < 300) this.taken.push(delivery);
    }
    this.#news.emit('came');
  }
}
