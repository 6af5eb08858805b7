import type { Settings } from '#config/settings.ts';

/** What keeps calls from piling up, on either side. */
export interface CallLimits {
  /** How long an answer is waited for. */
  readonly responseMilliseconds: number;
  readonly servedAtOnce: number;
  readonly callsAtOnce: number;
  readonly messageBytes: number;
}

export function callLimits({ DEFAULT, ingot }: Settings): CallLimits {
  return {
    responseMilliseconds: DEFAULT.rpc_response_timeout * 1000,
    servedAtOnce: ingot.rpc_served_at_once,
    callsAtOnce: ingot.rpc_calls_at_once,
    messageBytes: ingot.rpc_message_limit * 2 ** 20,
  };
}
