// Who is logged in at one BMC: sessions with an expiry, and basic authentication (DSP0266 §13.3).
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '#model/clock.ts';
import { RedfishError } from './errors.ts';
import { collection, link, noContent, resource, route, type Route } from './route.ts';

export interface Credentials {
  username: string;
  password: string;
}

interface Session {
  id: string;
  token: string;
  user: string;
  lastUsed: number;
}

export interface SessionLimits {
  /** Seconds without a request after which a session ends. */
  timeoutSeconds: number;
  mostSessions: number;
}
export const defaultSessionLimits: SessionLimits = { timeoutSeconds: 1800, mostSessions: 1000 };

export class Sessions {
  readonly #clock: Clock;
  readonly #credentials: Credentials;
  readonly limits: SessionLimits;
  /** By token, the one used longest ago first. */
  readonly #sessions = new Map<string, Session>();
  #lastId = 0;

  constructor(clock: Clock, credentials: Credentials, limits: SessionLimits) {
    this.#clock = clock;
    this.#credentials = credentials;
    this.limits = limits;
  }

  /** Throws RedfishError when the password is wrong or the BMC has no session left. */
  open(user: string, password: string): Session {
    if (!this.#isRight(user, password))
      throw new RedfishError('ResourceAtUriUnauthorized', '/redfish/v1/SessionService/Sessions');
    this.#dropExpired();
    if (this.#sessions.size >= this.limits.mostSessions) throw new RedfishError('SessionLimitExceeded');
    this.#lastId += 1;
    const session = {
      id: String(this.#lastId),
      token: randomBytes(16).toString('hex'),
      user,
      lastUsed: this.#clock.now(),
    };
    this.#sessions.set(session.token, session);
    return session;
  }

  /** Whether these headers come from somebody who may use the BMC. */
  admits(headers: { 'x-auth-token'?: string | undefined; authorization?: string | undefined }): boolean {
    if (headers['x-auth-token'] !== undefined) return this.#touch(headers['x-auth-token']);
    const [scheme, value] = headers.authorization?.split(' ') ?? [];
    if (scheme?.toLowerCase() !== 'basic' || value === undefined) return false;
    const [user, ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
    return this.#isRight(user ?? '', password.join(':'));
  }

  forget(token: string): void {
    this.#sessions.delete(token);
  }

  forgetAll(): void {
    this.#sessions.clear();
  }

  list(): Session[] {
    this.#dropExpired();
    return [...this.#sessions.values()];
  }

  find(id: string): Session | undefined {
    return this.list().find((session) => session.id === id);
  }

  #touch(token: string): boolean {
    this.#dropExpired();
    const session = this.#sessions.get(token);
    if (!session) return false;
    session.lastUsed = this.#clock.now();
    this.#sessions.delete(token);
    this.#sessions.set(token, session);
    return true;
  }

  #dropExpired(): void {
    const oldest = this.#clock.now() - this.limits.timeoutSeconds * 1000;
    for (const session of this.#sessions.values()) {
      if (session.lastUsed > oldest) return;
      this.#sessions.delete(session.token);
    }
  }

  #isRight(user: string, password: string): boolean {
    return (
      timingSafeEqual(digest(user), digest(this.#credentials.username)) &&
      timingSafeEqual(digest(password), digest(this.#credentials.password))
    );
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const service = '/redfish/v1/SessionService';
const sessions = `${service}/Sessions`;

export const sessionRoutes: Route[] = [
  route(service, {
    GET: ({ bmc, path }) =>
      resource(path, '#SessionService.v1_1_9.SessionService', {
        Name: 'Session Service',
        ServiceEnabled: true,
        SessionTimeout: bmc.sessions.limits.timeoutSeconds,
        Status: { State: 'Enabled', Health: 'OK' },
        Sessions: link(sessions),
      }),
  }),
  route(
    sessions,
    {
      GET: ({ bmc, path }) =>
        collection(
          path,
          'SessionCollection',
          'Sessions',
          bmc.sessions.list().map(({ id }) => `${sessions}/${id}`),
        ),
      POST: ({ bmc, body }) => {
        const { UserName: user, Password: password } = body;
        if (typeof user !== 'string')
          throw new RedfishError('ActionParameterMissing', 'Sessions', 'UserName');
        if (typeof password !== 'string')
          throw new RedfishError('ActionParameterMissing', 'Sessions', 'Password');
        const session = bmc.sessions.open(user, password);
        const location = `${sessions}/${session.id}`;
        const { body: created } = describe(location, session.user);
        return {
          status: 201,
          ...(created && { body: created }),
          headers: { Location: location, 'X-Auth-Token': session.token },
        };
      },
    },
    { open: ['POST'] },
  ),
  route(`${sessions}/:id`, {
    GET: ({ bmc, path, params }) => {
      const session = bmc.sessions.find(params['id'] ?? '');
      if (!session) throw new RedfishError('ResourceMissingAtURI', path);
      return describe(path, session.user);
    },
    DELETE: ({ bmc, path, params }) => {
      const session = bmc.sessions.find(params['id'] ?? '');
      if (!session) throw new RedfishError('ResourceMissingAtURI', path);
      bmc.sessions.forget(session.token);
      return noContent;
    },
  }),
];

function describe(path: string, user: string) {
  return resource(path, '#Session.v1_7_1.Session', { Name: 'User Session', UserName: user });
}
