// Bodies of any size over a broker whose messages have a limit. What is too large for one message is not pushed but
// fetched: the message says where its parts are to be had, and whoever wants the body asks for one after the other.
// So a receiver that is busy refuses before the parts are on their way, and never holds more than it asked for.
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { createInbox, errors, headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import type { Broker } from './broker.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** What is shorter is sent as it is: compressing it would take longer than sending it. */
const compressFromBytes = 64 * 1024;
/** Left of the broker's limit for headers. */
const headerBytes = 4096;
const leastPartBytes = 512;

const header = { encoding: 'Ingot-Encoding', parts: 'Ingot-Parts', partsAt: 'Ingot-Parts-At' } as const;

/** A body ready to be sent; what of it is to be fetched is there to be had until it is disposed of. */
export interface Parcel extends Disposable {
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
  /** Resolves when nothing is left to be fetched. */
  readonly fetched: Promise<void>;
}

export async function pack(broker: Broker, text: string): Promise<Parcel> {
  const plain = Buffer.from(text);
  const isCompressed = plain.length >= compressFromBytes;
  const bytes = isCompressed ? await compress(plain) : plain;
  const described = headers();
  if (isCompressed) described.set(header.encoding, 'zstd');
  const partBytes = Math.max((broker.connection.info?.max_payload ?? 0) - headerBytes, leastPartBytes);
  if (bytes.length <= partBytes)
    return { payload: bytes, headers: described, fetched: Promise.resolve(), [Symbol.dispose]() {} };
  return holdParts(broker, bytes, partBytes, described);
}

function holdParts(broker: Broker, bytes: Uint8Array, partBytes: number, described: MsgHdrs): Parcel {
  const count = Math.ceil(bytes.length / partBytes);
  const subject = createInbox(broker.subjects.inbox);
  described.set(header.parts, String(count));
  described.set(header.partsAt, subject);
  const { promise: fetched, resolve } = Promise.withResolvers<void>();
  const subscription = broker.connection.subscribe(subject, {
    callback: (error, message) => {
      if (error) return;
      const index = Number(message.string());
      message.respond(bytes.subarray(index * partBytes, (index + 1) * partBytes));
      if (index === count - 1) resolve();
    },
  });
  return {
    payload: new Uint8Array(),
    headers: described,
    fetched,
    [Symbol.dispose]: () => subscription.unsubscribe(),
  };
}

/**
 * The body that a message brings or tells of. Throws when it is larger than `limitBytes`, and when its parts cannot
 * be had within the time. Whoever sent it may want to keep us busy, or have us ask somebody else in our name.
 */
export async function unpack(
  broker: Broker,
  message: Msg,
  limits: { limitBytes: number; withinMilliseconds: number },
): Promise<string> {
  const { limitBytes } = limits;
  const isInParts = message.headers?.has(header.parts) ?? false;
  let bytes = isInParts ? await fetchParts(broker, message, limits) : message.data;
  const isCompressed = message.headers?.get(header.encoding) === 'zstd';
  if (isCompressed) bytes = await decompress(bytes, { maxOutputLength: limitBytes });
  return Buffer.from(bytes).toString();
}

async function fetchParts(
  { connection, subjects }: Broker,
  { headers: described }: Msg,
  { limitBytes, withinMilliseconds }: { limitBytes: number; withinMilliseconds: number },
): Promise<Uint8Array> {
  const subject = described?.get(header.partsAt) ?? '';
  const count = Number(described?.get(header.parts));
  if (!subject.startsWith(`${subjects.inbox}.`)) throw new Error('The parts of the body are not at an inbox');
  if (!Number.isInteger(count) || count < 1 || count > Math.ceil(limitBytes / leastPartBytes))
    throw new Error('The body says no number of parts that it may have');
  const end = performance.now() + withinMilliseconds;
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let index = 0; index < count; index += 1) {
    const timeout = Math.ceil(end - performance.now());
    if (timeout <= 0) throw new errors.TimeoutError();
    const { data } = await connection.request(subject, String(index), { timeout });
    length += data.length;
    if (data.length === 0) throw new Error('A part is empty');
    if (length > limitBytes) throw new Error(`The body is larger than ${limitBytes} bytes`);
    parts.push(data);
  }
  return Buffer.concat(parts);
}
