// How a request comes to the agent on a machine, and its answer back: HTTP, or whatever stands in for the wire.

export interface AgentRequest {
  readonly origin: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
  /** What the agent's certificate is checked against; true for the system's authorities, false for none. */
  readonly verify: boolean | { ca: string };
  readonly timeoutMilliseconds: number;
  readonly signal: AbortSignal;
}

export interface AgentAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends one request. Throws an Error, whose `code` is the system's, when no answer came back in time. */
export type AgentExchange = (request: AgentRequest) => Promise<AgentAnswer>;
