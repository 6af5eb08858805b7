// What only a node's conductor knows of it, for whoever explains what the node waits for.

/** How reaching a node's BMC went lately, as its conductor remembers; the BMC is not asked. */
export interface BmcReachability {
  address: string;
  /** Attempts in a row that got no answer. */
  failures: number;
  /** Until when the BMC is left alone; null while it is asked. */
  leftAloneUntil: string | null;
  /** Why the last of these attempts got no answer. */
  lastFailure: string | null;
}

/** What said that it is the node's agent, and was not believed. */
export interface RefusedHeartbeat {
  at: string;
  reason: string;
}

/** A node as its conductor sees it. Holds nothing that stands in the store, and no secret. */
export interface NodeView {
  conductor: string;
  /** Jobs that run or wait on this conductor, and how many it runs at once. */
  workers: { load: number; size: number };
  /** Null: the driver has no BMC, or it was not asked for anything since the conductor started. */
  bmc: BmcReachability | null;
  /** What the node's interfaces miss of it, by interface type; empty when it has all they need. */
  misses: Record<string, string>;
  /** Why the node's driver cannot be put together here; null when it can. */
  noDriver: string | null;
  /** The last of them since an agent was heard of; absent from a conductor that does not remember any. */
  refusedHeartbeat?: RefusedHeartbeat | null;
}
