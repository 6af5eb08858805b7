// Follows GET /ingot/v1/events as a browser would: whenever the stream ends it comes back with the last cursor it saw.
import { setTimeout as delay } from 'node:timers/promises';

export class EventFollower implements AsyncDisposable {
  /** The cursors of all events it was given, in order. */
  readonly cursors: string[] = [];
  /** How often it had to come back. */
  reconnections = 0;
  readonly #url: string;
  /** Where it comes back. */
  #cursor = '0';
  readonly #ending = new AbortController();
  readonly #following: Promise<void>;

  constructor(apiUrl: string) {
    this.#url = `${apiUrl}/ingot/v1/events`;
    this.#following = this.#follow();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await this.#readStream().catch(() => {});
      this.reconnections += 1;
      await delay(100, undefined, { signal }).catch(() => {});
    }
  }

  async #readStream(): Promise<void> {
    const headers = { accept: 'text/event-stream', 'last-event-id': this.#cursor };
    const response = await fetch(this.#url, { headers, signal: this.#ending.signal });
    if (!response.ok || !response.body) return;
    let rest = '';
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      const frames = (rest + part).split('\n\n');
      // What came of the last one may not be all of it.
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const [, cursor] = /^id: (.+)$/m.exec(frame) ?? [];
        if (cursor !== undefined) this.#cursor = cursor;
        // Without data it only says where the stream is.
        if (cursor !== undefined && /^data: /m.test(frame)) this.cursors.push(cursor);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#following;
  }
}
