import type { Notification } from './notification.ts';

/** Where notifications are sent to. */
export interface Destination extends AsyncDisposable {
  /** By which it is known to all processes, now and after a restart; holds no secret. */
  readonly name: string;
  /** In words, for the log; without secrets. */
  readonly words: string;
  /** Sends them in order. Never throws; what did not arrive is sent again. May be repeated. */
  send(notifications: readonly Notification[], signal: AbortSignal): Promise<Sent>;
}

export interface Sent {
  /** How many of them, from the first, are surely there or can never be. */
  readonly count: number;
  /** Why the next one is not. */
  readonly failure?: unknown;
}
