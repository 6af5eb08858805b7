// Whether an operation that failed is begun anew, how often and when: by the options, and by the node's own word.
import type { Settings } from '#config/settings.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { NodeRecord } from '#model/node-record.ts';
import {
  type FaultClass,
  faultClasses,
  type OperationKind,
  type OperationRecord,
} from '#protocol/operation.ts';

export interface RetryPolicy {
  /** How often an operation is begun anew; 0 never. */
  readonly attempts: number;
  /** Classes of faults; `any` is every failure but an image with a wrong checksum. */
  readonly faults: readonly string[];
  readonly phases: readonly string[];
  /** Before the first new beginning; twice as long before each further one. */
  readonly backoffSeconds: number;
  readonly longestBackoffSeconds: number;
}

/** The member of driver_info in which a node has its own word. */
export const retryMember = 'ingot_retry';

/** Power changes are the operator's to repeat. */
export const retryPhases = [
  'verify',
  'inspect',
  'clean',
  'deploy',
  'tear down',
  'adopt',
  'rescue',
  'unrescue',
  'service',
] as const satisfies readonly Exclude<OperationKind, 'power'>[];

export const retryFaults = ['any', ...faultClasses] as const;

/** Whoever may change a node may not keep a conductor busy with it without end and without a pause. */
const mostAttempts = 100;
const leastPauseSeconds = 1;
const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= mostAttempts;
/** Far more would be a time that no calendar has, and the operation could neither be tried again nor fail. */
const mostSeconds = 365 * 86_400;
const isSeconds = (value: unknown): boolean =>
  Number.isFinite(value) && Number(value) >= leastPauseSeconds && Number(value) <= mostSeconds;
const areOf =
  (words: readonly string[]) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every((one) => words.some((word) => word === one));

/** Each member that a node's policy may have. */
const members = {
  attempts: { fits: isCount, is: `a whole number from 0 to ${mostAttempts}` },
  faults: { fits: areOf(retryFaults), is: `a list of ${retryFaults.join(', ')}` },
  phases: { fits: areOf(retryPhases), is: `a list of ${retryPhases.join(', ')}` },
  backoff: {
    fits: isSeconds,
    is: `a number of seconds, at least ${leastPauseSeconds} and at most those of a year`,
  },
  backoff_max: {
    fits: isSeconds,
    is: `a number of seconds, at least ${leastPauseSeconds} and at most those of a year`,
  },
} satisfies Record<string, { fits(value: unknown): boolean; is: string }>;

type Members = {
  attempts?: number;
  faults?: string[];
  phases?: string[];
  backoff?: number;
  backoff_max?: number;
};

/** Throws InvalidParameterValue naming the member of `driver_info` that is not as it should be. */
export function checkRetryPolicy(driverInfo: Readonly<Record<string, unknown>>): void {
  const given = driverInfo[retryMember];
  if (given === undefined || given === null) return;
  const wrong = isJsonObject(given)
    ? Object.entries(given).flatMap(([name, value]) => wrongMember(name, value))
    : [`driver_info/${retryMember} is not an object`];
  const [first] = wrong;
  if (first !== undefined) throw new InvalidParameterValue(first);
}

function wrongMember(name: string, value: unknown): string[] {
  const path = `driver_info/${retryMember}/${name}`;
  const member = Object.entries(members).find(([known]) => known === name)?.[1];
  if (!member) return [`${path} is not known; there are ${Object.keys(members).join(', ')}`];
  return member.fits(value) ? [] : [`${path} is not ${member.is}`];
}

/** What applies to a node: its own word where it has one, else that of the options. */
export function retryPolicyOf(
  { driver_info }: Pick<NodeRecord, 'driver_info'>,
  settings: Settings,
): RetryPolicy {
  const { ingot } = settings;
  const own = ownWord(driver_info);
  return {
    attempts: own.attempts ?? ingot.retry_attempts,
    faults: own.faults ?? ingot.retry_faults,
    phases: own.phases ?? ingot.retry_phases,
    backoffSeconds: own.backoff ?? ingot.retry_backoff,
    longestBackoffSeconds: own.backoff_max ?? ingot.retry_backoff_max,
  };
}

/** One that was stored before it was checked, and is not as it should be, counts for nothing. */
function ownWord(driverInfo: Readonly<Record<string, unknown>>): Members {
  try {
    checkRetryPolicy(driverInfo);
    // Checked member by member above.
    return driverInfo[retryMember] ?? {};
  } catch {
    return {};
  }
}

/** Whether the operation, which fails with this kind of fault, is to be begun anew. */
export function coversFailure(policy: RetryPolicy, operation: OperationRecord): boolean {
  const { kind, retries, fault, abort_requested } = operation;
  if (abort_requested || retries >= policy.attempts || !policy.phases.includes(kind)) return false;
  return coversFault(policy, fault);
}

function coversFault({ faults }: RetryPolicy, fault: FaultClass | null): boolean {
  if (fault !== null && faults.includes(fault)) return true;
  // An image that is not what its checksum says is so the next time too, or somebody tampers with it.
  return faults.includes('any') && fault !== 'image-checksum';
}

/** Up to a quarter more or less, so that what failed together does not come back together. */
export function backOffMilliseconds(policy: RetryPolicy, retries: number, fraction: number): number {
  const { backoffSeconds, longestBackoffSeconds } = policy;
  const seconds = Math.min(longestBackoffSeconds, backoffSeconds * 2 ** Math.min(retries, 30));
  return Math.round(seconds * 1000 * (0.75 + fraction / 2));
}
