// A client that costs little itself: it runs on the same processors as what it measures.
import { Pool } from 'undici';
import { BenchError } from './bench-error.ts';

/** The newest version that both the reference (Debian 12's) and Ingot speak. */
const apiVersion = '1.82';

export interface Answer {
  status: number;
  text: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Requests to one endpoint over a bounded number of connections, kept open where the server allows it. */
export class Client implements AsyncDisposable {
  readonly #pool: Pool;

  constructor(url: string, connections: number) {
    this.#pool = new Pool(url, { connections, bodyTimeout: 120_000, headersTimeout: 120_000 });
  }

  async send(method: Method, path: string, body?: unknown): Promise<Answer> {
    const { statusCode, body: answer } = await this.#pool.request({
      method,
      path,
      headers: {
        'x-openstack-ironic-api-version': apiVersion,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: statusCode, text: await answer.text() };
  }

  /** Gets a path and throws the answer away. Throws BenchError when it is not 200. Gives how many bytes came. */
  async fetchAndDrop(path: string): Promise<number> {
    const { statusCode, body } = await this.#pool.request({
      method: 'GET',
      path,
      headers: { 'x-openstack-ironic-api-version': apiVersion },
    });
    if (statusCode !== 200) throw unexpected('GET', path, { status: statusCode, text: await body.text() });
    let bytes = 0;
    for await (const chunk of body) bytes += (chunk as Buffer).length; // Without an encoding chunks are buffers.
    return bytes;
  }

  /** The value of the answer's JSON. Throws BenchError unless the status is the wanted one. */
  async json(method: Method, path: string, wanted: number, body?: unknown): Promise<unknown> {
    const answer = await this.send(method, path, body);
    if (answer.status !== wanted) throw unexpected(method, path, answer);
    return answer.text === '' ? null : JSON.parse(answer.text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}

export function unexpected(method: Method, path: string, { status, text }: Answer): BenchError {
  return new BenchError(`${method} ${path} was answered with ${status}: ${text.slice(0, 300)}`);
}
