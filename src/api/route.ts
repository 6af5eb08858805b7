// What a route says of itself, and the form every route in this folder is written in.
import type { Answer, Call } from './call.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Which of the limits of `[api]max_json_body_size*` holds for a body. */
export type BodySize = 'ordinary' | 'provision' | 'inspection';

/** How a request below the route's microversion is turned away (endpoints.json `below_min`, `below_min_body`). */
export interface TooOld {
  readonly status: 404 | 405 | 406;
  readonly form: 'fault' | 'routing';
}

export interface Route {
  readonly method: Method;
  /** Below `/v1`, and served without it too: `/nodes/:node/states`; whole where it begins with `/ingot/`. */
  readonly path: string;
  /** What a policy file calls it; `public` where nobody need say who they are. */
  readonly policy: string;
  /** The first microversion (its minor) that has it. */
  readonly since: number;
  /** Absent: 404 in the form of a fault. */
  readonly tooOld?: TooOld;
  /** Absent: ordinary. */
  readonly bodySize?: BodySize;
  /** It may answer with Server-Sent Events too, to who accepts them. */
  readonly streams?: true;
  handler(call: Call): Promise<Answer> | Answer;
}

/** Gone as if it had never been: the form of resources whose whole path came later. */
export const tooOldForRouter: TooOld = { status: 404, form: 'routing' };
export const tooOldNotAcceptable: TooOld = { status: 406, form: 'fault' };
