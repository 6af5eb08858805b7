// Proves to a service who is asking: with a session where it has them, or with basic authentication.
import { BmcAuthFailed, BmcProtocolError } from '../errors.ts';
import type { Answer } from './answer.ts';
import { linkAt } from './json.ts';
import type { RedfishTarget } from './options.ts';
import type { Secrets } from './secrets.ts';
import type { Method } from './transport.ts';

/** One request without authentication of its own; an answer that says no is an error. */
export type BareRequest = (
  method: Method,
  path: string,
  options: { body?: object; headers?: Record<string, string>; signal: AbortSignal },
) => Promise<Answer>;

/** Headers to send; their identity tells one login from the next. */
export type Credentials = Readonly<Record<string, string>>;

interface Session {
  credentials: Credentials;
  token: string;
  /** Where it is deleted; null if the service did not say. */
  path: string | null;
}

export class Authentication {
  readonly #target: RedfishTarget;
  readonly #address: string;
  readonly #root: string;
  readonly #ask: BareRequest;
  readonly #secrets: Secrets;
  #session: Session | null = null;
  #login: Promise<Credentials> | null = null;
  #usesBasic: boolean;

  constructor(parts: {
    target: RedfishTarget;
    address: string;
    root: string;
    ask: BareRequest;
    secrets: Secrets;
  }) {
    this.#target = parts.target;
    this.#address = parts.address;
    this.#root = parts.root;
    this.#ask = parts.ask;
    this.#secrets = parts.secrets;
    this.#usesBasic = parts.target.authType === 'basic';
    this.#secrets.add(parts.target.password, this.#basicValue());
  }

  /** Logs in if need be; requests that come meanwhile share that login. `signal` ends the client, not one request. */
  async credentials(signal: AbortSignal): Promise<Credentials> {
    if (this.#target.username === null) return {};
    if (this.#usesBasic) return { authorization: `Basic ${this.#basicValue()}` };
    if (this.#session !== null) return this.#session.credentials;
    this.#login ??= this.#logIn(signal).finally(() => {
      this.#login = null;
    });
    return this.#login;
  }

  /** Told that a request with `used` was answered 401. True if trying again with new credentials makes sense. */
  refused(used: Credentials): boolean {
    if (this.#usesBasic || this.#target.username === null) return false;
    if (this.#session?.credentials === used) this.#forget();
    return true;
  }

  /** Ends the session, if there is one; that it cannot be ended is no error: the service lets it expire. */
  async logOut(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    if (session.path === null) return;
    await this.#ask('DELETE', session.path, { headers: session.credentials, signal }).catch(() => undefined);
    this.#secrets.forget(session.token);
  }

  async #logIn(signal: AbortSignal): Promise<Credentials> {
    try {
      this.#session = await this.#createSession(signal);
      return this.#session.credentials;
    } catch (error) {
      // 401 is about the credentials, and guessing on would lock the account. Anything else is about sessions.
      const isAboutSessions =
        error instanceof BmcProtocolError ||
        (error instanceof BmcAuthFailed && error.refused === 'permission');
      if (this.#target.authType !== 'auto' || !isAboutSessions) throw error;
      this.#usesBasic = true;
      return this.credentials(signal);
    }
  }

  async #createSession(signal: AbortSignal): Promise<Session> {
    const body = { UserName: this.#target.username, Password: this.#target.password };
    const path = await this.#sessionsPath(signal);
    const { headers, location } = await this.#ask('POST', path, { body, signal });
    const token = headers['x-auth-token'];
    if (token === undefined || token === '') {
      throw new BmcProtocolError(this.#address, 'opened a session without giving a token for it', {
        status: 201,
      });
    }
    this.#secrets.add(token);
    return { credentials: { 'x-auth-token': token }, token, path: location };
  }

  /** The service root may be read without a session (DSP0266 §13.3); where it may not, the usual path will do. */
  async #sessionsPath(signal: AbortSignal): Promise<string> {
    const usual = `${this.#root}SessionService/Sessions`;
    try {
      const { body } = await this.#ask('GET', this.#root, { signal });
      return linkAt(body, 'Links', 'Sessions') ?? usual;
    } catch (error) {
      if (error instanceof BmcAuthFailed) return usual;
      throw error;
    }
  }

  #forget(): void {
    if (this.#session !== null) this.#secrets.forget(this.#session.token);
    this.#session = null;
  }

  #basicValue(): string {
    return Buffer.from(`${this.#target.username ?? ''}:${this.#target.password}`).toString('base64');
  }
}
