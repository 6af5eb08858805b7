// Calls and their outcomes as text: whatever carries them, both sides get copies of plain data.
import type { FaultWire } from '#model/fault.ts';
import { Invalid, InvalidParameterValue, IronicException } from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import type { CallLimits } from './call-limits.ts';

export interface CallBody {
  readonly args: Record<string, unknown>;
  readonly context: RequestContext;
}

export type CallOutcome = { kind: 'result'; result: unknown } | { kind: 'fault'; fault: FaultWire };

/** Throws InvalidParameterValue when it is larger than calls may be. */
export function writeCall(body: CallBody, limits: CallLimits): string {
  const text = JSON.stringify(body);
  if (isTooLarge(text, limits))
    throw new InvalidParameterValue(
      `What was asked is larger than ${inMebibytes(limits)} MiB, as much as a conductor takes ([ingot] rpc_message_limit).`,
    );
  return text;
}

/** Throws Invalid when it is no call. */
export function readCall(text: string): CallBody {
  const value = parse(text);
  if (isJsonObject(value)) {
    const { args, context } = value;
    if (isJsonObject(args) && isJsonObject(context) && typeof context['requestId'] === 'string') {
      // As a caller of this version of the protocol wrote it.
      return { args, context: context as unknown as RequestContext };
    }
  }
  throw new Invalid('What came to the conductor is no call.');
}

/** A result that is larger than answers may be is told as a fault. */
export function writeOutcome(outcome: CallOutcome, limits: CallLimits): string {
  const text = JSON.stringify(outcome);
  if (!isTooLarge(text, limits)) return text;
  const reason = `The answer is larger than ${inMebibytes(limits)} MiB, as much as crosses ([ingot] rpc_message_limit).`;
  return JSON.stringify({ kind: 'fault', fault: new IronicException(reason).toWire() } satisfies CallOutcome);
}

/** Throws IronicException when it is no outcome. */
export function readOutcome(text: string): CallOutcome {
  const value = parse(text);
  if (isJsonObject(value)) {
    const { kind, fault, result } = value;
    if (kind === 'result') return { kind, result };
    if (kind === 'fault' && isFault(fault)) return { kind, fault };
  }
  throw new IronicException('What the conductor answered cannot be read.');
}

function isFault(value: unknown): value is FaultWire {
  if (!isJsonObject(value)) return false;
  const { name, status, message, fields } = value;
  return (
    typeof name === 'string' && isFaultStatus(status) && typeof message === 'string' && isJsonObject(fields)
  );
}

/** Whatever else it may be, HTTP has no answer for. */
function isFaultStatus(status: unknown): boolean {
  return Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
}

function isTooLarge(text: string, { messageBytes }: CallLimits): boolean {
  // No character takes more than three bytes, so most texts need not be counted.
  return text.length * 3 > messageBytes && Buffer.byteLength(text) > messageBytes;
}

function inMebibytes({ messageBytes }: CallLimits): number {
  return messageBytes / 2 ** 20;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
