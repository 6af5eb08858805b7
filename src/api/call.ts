// One request as handlers see it: what was asked, in which version, by whom. Nothing of the HTTP library.
import type { Writable } from 'node:stream';
import type { NodePlace } from '#db/ring.ts';
import {
  type ConductorCallName,
  type ConductorCalls,
  NotDelivered,
  type RequestContext,
} from '#protocol/rpc.ts';
import { type Feature, hasFeature } from '#model/microversion.ts';
import { parseBody } from './json-body.ts';
import type { ApiWorkings } from './parts.ts';
import { Query } from './query.ts';

/** What a handler gives back. `body` is JSON text; without one the answer has neither body nor Content-Type. */
export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly location?: string;
  /** Instead of a body: what goes on until one of both sides ends it. */
  readonly stream?: AnswerStream;
}

export interface AnswerStream {
  readonly contentType: string;
  /** Called once the head of the answer is sent. */
  begin(to: Writable): void;
}

export interface RequestFacts {
  readonly minor: number;
  /** What links begin with: `http://host:port`. */
  readonly baseUrl: string;
  readonly context: RequestContext;
  /** Decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[]>>;
  /** As it came; empty without one. */
  readonly bodyText: string;
  /** Whether the caller may do a thing. */
  readonly check: (policy: string) => Promise<void> | void;
  /** Whether `.json` was taken off the path, as below 1.91. */
  readonly hadJsonSuffix: boolean;
  /** Whether the caller takes Server-Sent Events. */
  readonly acceptsEvents: boolean;
  /** The id of the last of them that it got before it came back; null when it did not. */
  readonly lastEventId: string | null;
  /** The project in whose name it acts; null when it acts in none. */
  readonly projectId: string | null;
}

export class Call {
  readonly parts: ApiWorkings;
  readonly minor: number;
  readonly baseUrl: string;
  readonly context: RequestContext;
  readonly query: Query;
  readonly hadJsonSuffix: boolean;
  readonly acceptsEvents: boolean;
  readonly lastEventId: string | null;
  readonly projectId: string | null;
  readonly #check: (policy: string) => Promise<void> | void;
  readonly #params: Readonly<Record<string, string>>;
  readonly #bodyText: string;

  constructor(parts: ApiWorkings, facts: RequestFacts) {
    this.parts = parts;
    this.minor = facts.minor;
    this.baseUrl = facts.baseUrl;
    this.context = facts.context;
    this.query = new Query(facts.query);
    this.hadJsonSuffix = facts.hadJsonSuffix;
    this.acceptsEvents = facts.acceptsEvents;
    this.lastEventId = facts.lastEventId;
    this.projectId = facts.projectId;
    this.#check = facts.check;
    this.#params = facts.params;
    this.#bodyText = facts.bodyText;
  }

  /** A parameter of the route's path: `:node`. */
  param(name: string): string {
    return this.#params[name] ?? '';
  }

  has(feature: Feature): boolean {
    return hasFeature(this.minor, feature);
  }

  /** Throws HTTPForbidden (403) unless the caller may do what a policy is about, besides the route's own. */
  async check(policy: string): Promise<void> {
    await this.#check(policy);
  }

  /** The body's value; `{}` without one. Throws Invalid (400) when it is not JSON. */
  body(): unknown {
    return parseBody(this.#bodyText);
  }

  /**
   * Calls the conductor that a node belongs to. A call that surely reached none is made again, of whoever the node
   * belongs to by then: a conductor that left, or a broker that was away for a moment, costs nobody a request.
   * Throws its Fault, or NoValidHost or TemporaryFailure.
   */
  async conductorOf<Name extends ConductorCallName>(
    node: NodePlace,
    name: Name,
    args: ConductorCalls[Name]['args'],
  ): Promise<ConductorCalls[Name]['result']> {
    const { ring, conductors, clock } = this.parts;
    for (const pause of pausesMilliseconds) {
      try {
        return await conductors.call(await ring.hostFor(node), name, args, this.context);
      } catch (error) {
        if (!(error instanceof NotDelivered)) throw error;
        await clock.sleep(pause);
        ring.invalidate();
      }
    }
    return await conductors.call(await ring.hostFor(node), name, args, this.context);
  }
}

/** Between the tries of a call that was not delivered; together as long as a client may be kept waiting. */
const pausesMilliseconds = [50, 200, 500, 1000, 2000];

export function ok(body: string): Answer {
  return { status: 200, body };
}

export function created(body: string, location: string): Answer {
  return { status: 201, body, location };
}

/** 202: it was taken on, not done. `location` says where to watch it. */
export function accepted(location?: string): Answer {
  return location === undefined ? { status: 202 } : { status: 202, location };
}

export const noContent: Answer = { status: 204 };
