// What kind of failure an error is, as retry policies name them.
import {
  BmcAuthFailed,
  BmcCircuitOpen,
  BmcError,
  BmcTimeout,
  BmcUnreachable,
  BmcUnsupported,
} from '#bmc/errors.ts';
import {
  AgentAPIError,
  AgentCommandTimeout,
  AgentConnectionFailed,
  AgentInProgress,
  ImageDownloadFailed,
  PowerStateFailure,
  RedfishConnectionError,
  RedfishError,
} from '#model/faults.ts';
import type { FaultClass } from '#protocol/operation.ts';
import { AgentBusy, AgentCommandFailed, AgentLost, AgentUnreachable } from './agent/agent-faults.ts';

/** The first that fits. Null: asking again would not help, or says nothing of a machine. */
const classes: readonly [type: abstract new (...args: never[]) => Error, is: FaultClass | null][] = [
  [BmcUnreachable, 'bmc-unreachable'],
  [BmcTimeout, 'bmc-unreachable'],
  [BmcCircuitOpen, 'bmc-unreachable'],
  [BmcAuthFailed, 'bmc-refused'],
  [BmcUnsupported, null],
  [BmcError, 'bmc-error'],
  [PowerStateFailure, 'bmc-error'],
  [AgentUnreachable, 'agent-unreachable'],
  [AgentLost, 'agent-unreachable'],
  [AgentConnectionFailed, 'agent-unreachable'],
  [AgentCommandTimeout, 'agent-timeout'],
  [AgentBusy, 'agent-error'],
  [AgentInProgress, 'agent-error'],
  [AgentAPIError, 'agent-error'],
  [ImageDownloadFailed, 'image-fetch'],
  // What wraps one of those above comes last: the cause says more.
  [RedfishConnectionError, 'bmc-unreachable'],
  [RedfishError, 'bmc-error'],
];

/** What the agent says of a command that failed. */
const agentClasses: Readonly<Record<string, FaultClass>> = {
  ImageDownloadError: 'image-fetch',
  ImageChecksumError: 'image-checksum',
};

/** The kind of failure that an error, or the innermost of its causes that has one, tells of. */
export function faultClassOf(error: unknown): FaultClass | null {
  if (!(error instanceof Error)) return null;
  const ofCause = faultClassOf(error.cause);
  if (ofCause !== null) return ofCause;
  if (error instanceof ClassedFailure) return error.is;
  if (error instanceof AgentCommandFailed) return agentClasses[error.type] ?? 'agent-error';
  return classes.find(([type]) => error instanceof type)?.[1] ?? null;
}

/** A failure whose kind is known where it is made, as of a time limit. */
export class ClassedFailure extends Error {
  override readonly name = 'ClassedFailure';
  readonly is: FaultClass | null;

  constructor(message: string, is: FaultClass | null) {
    super(message);
    this.is = is;
  }
}
