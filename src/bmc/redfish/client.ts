// A client of one Redfish service: one queue, one circuit breaker, one session. What the service offers is asked for
// by the functions beside this file; here is how anything is asked at all.
import { type BreakerState, CircuitBreaker } from '../circuit-breaker.ts';
import { withLimit, type Clock, type Random } from '../clock.ts';
import { BmcClientClosed, BmcProtocolError, BmcTimeout, BmcUnreachable } from '../errors.ts';
import { RequestQueue } from '../request-queue.ts';
import { readAnswer, refusal, type Answer } from './answer.ts';
import { Authentication } from './authentication.ts';
import type { JsonObject } from './json.ts';
import { parseRedfishAddress, type RedfishOptions, type RedfishTarget } from './options.ts';
import { Secrets } from './secrets.ts';
import {
  networkTransport,
  TransportFailure,
  type HttpResponse,
  type HttpTransport,
  type Method,
} from './transport.ts';

/** A resource as it was when it was read. */
export interface Resource {
  path: string;
  body: JsonObject;
  etag: string | null;
}

export interface RequestOptions {
  body?: object;
  headers?: Record<string, string>;
  /**
   * Ends the request. Asked again at the very moment of sending, after every wait: it may know without having told
   * that whoever asks may no longer.
   */
  signal: AbortSignal;
}

/** How long a request may go on, and who says so. */
interface Leave {
  /** The asker's own. */
  asker: AbortSignal;
  /** Aborted with the asker's or with the client. */
  signal: AbortSignal;
}

/** What a client needs of the world. */
export interface RedfishWorld {
  clock: Clock;
  random: Random;
  /** For a world without a network. */
  transport?: (origin: string, verifyCa: boolean | string, options: RedfishOptions) => HttpTransport;
}

/** Longest pause that a service can talk us into with Retry-After. */
const longestRetryAfterSeconds = 60;
const logOutSeconds = 5;

export class RedfishClient implements AsyncDisposable {
  /** For messages: without credentials. */
  readonly address: string;
  /** Path of the service root. */
  readonly root: string;
  readonly options: RedfishOptions;
  readonly clock: Clock;
  readonly #random: Random;
  readonly #secrets = new Secrets();
  readonly #transport: HttpTransport;
  readonly #queue: RequestQueue;
  readonly #breaker: CircuitBreaker;
  readonly #authentication: Authentication;
  readonly #life = new AbortController();

  /** Opens no connection yet. Throws BmcSettingInvalid. */
  constructor(target: RedfishTarget, options: RedfishOptions, world: RedfishWorld) {
    const { origin, root } = parseRedfishAddress(target.address);
    this.address = origin;
    this.root = root;
    this.options = options;
    this.clock = world.clock;
    this.#random = world.random;
    this.#transport = (world.transport ?? networkTransport)(origin, target.verifyCa, options);
    this.#queue = new RequestQueue(origin, world.clock, options);
    this.#breaker = new CircuitBreaker(origin, world.clock, options);
    this.#authentication = new Authentication({
      target,
      address: origin,
      root,
      secrets: this.#secrets,
      ask: async (method, path, { body, headers, signal }) => {
        const request = { method, path, headers: headers ?? {}, body: body ?? null };
        const leave = { asker: signal, signal };
        return this.#succeeded(request, await this.#send(request, leave, { changesNothing: true }));
      },
    });
  }

  /** Whether nothing is under way or waiting. */
  get isIdle(): boolean {
    return this.#queue.isIdle;
  }

  /** Whether the controller answers, as the last attempts showed. Asks nobody. */
  get reachability(): BreakerState {
    return this.#breaker.state;
  }

  /** Reads a resource. Repeated by itself when the connection fails or the service answers 5xx. */
  async get(path: string, signal: AbortSignal): Promise<Resource> {
    const answer = await this.request('GET', path, { signal });
    if (answer.body !== null) return { path, body: answer.body, etag: answer.etag };
    throw new BmcProtocolError(
      this.address,
      `answered GET ${this.hide(path)} with something that is not JSON`,
      {
        status: answer.status,
      },
    );
  }

  /** Never repeated once it may have been read by the service. */
  post(path: string, body: object | null, signal: AbortSignal): Promise<Answer> {
    return this.request('POST', path, { signal, ...(body === null ? {} : { body }) });
  }

  delete(path: string, signal: AbortSignal): Promise<Answer> {
    return this.request('DELETE', path, { signal });
  }

  /**
   * Changes what was read. A service that insists on ETags gets the resource's; one that then refuses it (412) gets
   * it in the strong form, and in the end none: services exist that compare their own wrongly.
   */
  async patch(resource: Pick<Resource, 'path' | 'etag'>, body: object, signal: AbortSignal): Promise<Answer> {
    const { path, etag } = resource;
    const strong = etag?.startsWith('W/') ? [etag.slice(2)] : [];
    for (const tag of etag === null ? [] : [etag, ...strong]) {
      try {
        return await this.request('PATCH', path, { body, headers: { 'if-match': tag }, signal });
      } catch (error) {
        if (!(error instanceof BmcProtocolError && error.status === 412)) throw error;
      }
    }
    return this.request('PATCH', path, { body, signal });
  }

  /**
   * One request, authenticated, in its turn and within its limits. Throws a BmcError, or the signal's reason.
   * Attempts that cannot have had an effect are repeated; nothing else is.
   */
  async request(method: Method, path: string, options: RequestOptions): Promise<Answer> {
    // A path comes from the service; with this it cannot become a request to another host or a second header.
    if (!/^\/[\u0021-\u007E]*$/.test(path)) {
      throw new BmcProtocolError(this.address, `gave a reference that is not a path: ${this.hide(path)}`);
    }
    const asker = options.signal;
    const signal = AbortSignal.any([asker, this.#life.signal]);
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return await this.#attempt(method, path, options, { asker, signal });
      } catch (error) {
        const isLast = attempt >= this.options.connectionAttempts || this.#breaker.isOpen;
        if (isLast || !isRepeatable(error, method)) throw error;
        await this.clock.sleep(this.#pauseAfter(error), signal);
      }
    }
  }

  /** `text` without what this connection must keep secret. */
  hide(text: string): string {
    return this.#secrets.hide(text);
  }

  /** Keeps texts out of messages too, until what it gives is disposed. */
  keepSecret(...texts: string[]): Disposable {
    this.#secrets.add(...texts);
    return { [Symbol.dispose]: () => texts.forEach((text) => this.#secrets.forget(text)) };
  }

  /** Ends the session. The client stays usable: the next request logs in again. */
  async logOut(): Promise<void> {
    await this.#authentication.logOut(
      AbortSignal.any([this.#life.signal, AbortSignal.timeout(logOutSeconds * 1000)]),
    );
  }

  /** Ends the session and every request under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.logOut();
    this.#life.abort(new BmcClientClosed(this.address));
    await this.#transport.close();
  }

  async #attempt(
    method: Method,
    path: string,
    options: Omit<RequestOptions, 'signal'>,
    leave: Leave,
  ): Promise<Answer> {
    const { headers = {}, body = null } = options;
    for (let isSecond = false; ; isSecond = true) {
      // The login serves every request that waits for it, so it does not end with this one.
      const login = this.#authentication.credentials(this.#life.signal);
      const credentials = await unlessAborted(login, leave.signal);
      const request = { method, path, headers: { ...headers, ...credentials }, body };
      const response = await this.#send(request, leave, { changesNothing: method === 'GET' });
      // A session ends when the service restarts or thinks it idle. The request has not been carried out.
      if (response.status === 401 && !isSecond && this.#authentication.refused(credentials)) continue;
      return this.#succeeded(request, response);
    }
  }

  #succeeded(request: { method: Method; path: string }, response: HttpResponse): Answer {
    const answer = readAnswer(response);
    if (answer.status >= 200 && answer.status < 300) return answer;
    const refused = refusal(this.address, this.#name(request), answer, this.#secrets);
    if (refused === null) return answer;
    throw refused;
  }

  /** One exchange, in its turn. `changesNothing` if nobody needs to read back whether it had an effect. */
  async #send(
    request: { method: Method; path: string; headers: Record<string, string>; body: object | null },
    leave: Leave,
    { changesNothing }: { changesNothing: boolean },
  ): Promise<HttpResponse> {
    const { method, path, body } = request;
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'odata-version': '4.0',
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    };
    const exchange = { method, path, headers, body: body === null ? null : JSON.stringify(body) };
    const response = await this.#inTurn(exchange, leave, changesNothing);
    if (response.status !== 406) return response;
    // HPE: some resources exist compressed only.
    const { 'accept-encoding': _, ...rest } = headers;
    return this.#inTurn({ ...exchange, headers: rest }, leave, changesNothing);
  }

  async #inTurn(
    request: Parameters<HttpTransport['send']>[0],
    { asker, signal }: Leave,
    changesNothing: boolean,
  ): Promise<HttpResponse> {
    using _turn = await this.#queue.enter(signal);
    asker.throwIfAborted();
    const ended = this.#breaker.begin();
    const seconds = this.options.requestTimeoutSeconds;
    try {
      const response = await withLimit(
        this.clock,
        seconds * 1000,
        signal,
        (either) => this.#transport.send(request, either),
        () => new BmcTimeout(this.address, this.#name(request), seconds, !changesNothing),
      );
      ended('answered');
      return response;
    } catch (error) {
      const fault = error instanceof TransportFailure ? this.#faultOf(error, request, changesNothing) : error;
      if (fault instanceof BmcUnreachable || fault instanceof BmcTimeout) ended('unanswered', fault);
      else ended(fault instanceof BmcProtocolError ? 'answered' : 'abandoned');
      throw fault;
    }
  }

  #faultOf(failure: TransportFailure, request: { method: Method; path: string }, changesNothing: boolean) {
    const { address } = this;
    const cause = failure;
    switch (failure.kind) {
      case 'not connected':
      case 'certificate':
        return new BmcUnreachable(address, failure.message, false, { cause });
      case 'broken':
        return new BmcUnreachable(
          address,
          `${failure.message} during ${this.#name(request)}`,
          !changesNothing,
          {
            cause,
          },
        );
      case 'silent':
        return new BmcTimeout(address, this.#name(request), this.options.readTimeoutSeconds, !changesNothing);
      case 'garbage':
        return new BmcProtocolError(
          address,
          `cannot be understood after ${this.#name(request)}: ${failure.message}`,
        );
    }
  }

  #name({ method, path }: { method: Method; path: string }): string {
    return `${method} ${this.hide(path)}`;
  }

  /** Between three and five quarters of the interval, so that clients do not come back all at once. */
  #pauseAfter(error: unknown): number {
    const asked = error instanceof BmcProtocolError ? error.retryAfterSeconds : null;
    if (asked !== null) return Math.min(asked, longestRetryAfterSeconds) * 1000;
    return this.options.connectionRetryIntervalSeconds * 1000 * (0.75 + this.#random.fraction() / 2);
  }
}

/** Only what cannot have had an effect: a GET, or what never got out. A certificate does not mend itself. */
function isRepeatable(error: unknown, method: Method): boolean {
  if (error instanceof BmcUnreachable) return !error.mayHaveTakenEffect && !isCertificate(error);
  if (error instanceof BmcTimeout) return !error.mayHaveTakenEffect;
  return method === 'GET' && error instanceof BmcProtocolError && (error.status ?? 0) >= 500;
}

function isCertificate({ cause }: BmcUnreachable): boolean {
  return cause instanceof TransportFailure && cause.kind === 'certificate';
}

/** `work`, unless the signal is aborted first; then the work goes on unobserved. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
