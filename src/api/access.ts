// Whether the caller may do what a route does. Every route names its policy; who decides stands behind this.
import type { RequestContext } from '#protocol/rpc.ts';

/** Who called. */
export interface Caller {
  readonly userId: string | null;
  /** The project in whose name it acts; absent or null: in none. */
  readonly projectId?: string | null;
}

export interface Access {
  /** Who sent a request with these headers. Throws a Fault when they cannot be told. */
  identify(headers: Readonly<Record<string, unknown>>): Promise<Caller> | Caller;
  /** Throws HTTPForbidden unless the policy allows the caller. */
  check(policy: string, caller: Caller): Promise<void> | void;
}

/** `[DEFAULT]auth_strategy = noauth`: everyone may do everything. The service then listens on loopback only. */
export const openAccess: Access = {
  identify: () => nobody,
  check: () => {},
};

const nobody: Caller = { userId: null };

export function contextOf(requestId: string, caller: Caller): RequestContext {
  return { requestId, userId: caller.userId };
}
