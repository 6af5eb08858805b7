// Bodies of any size over a broker whose messages have a limit. What is too large for one message is not pushed but
// fetched: the message says where its parts are to be had, and whoever wants the body asks for one after the other.
// So a receiver that is busy refuses before the parts are on their way, and never holds more than it asked for.
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { createInbox, headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
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
 * be had within the time.
 */
export async function unpack(
  { connection }: Broker,
  message: Msg,
  { limitBytes, withinMilliseconds }: { limitBytes: number; withinMilliseconds: number },
): Promise<string> {
  const read = (name: string): string => message.headers?.get(name) ?? '';
  let bytes = message.data;
  if (read(header.parts) !== '') {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let index = 0; index < Number(read(header.parts)); index += 1) {
      const part = await connection.request(read(header.partsAt), String(index), {
        timeout: withinMilliseconds,
      });
      length += part.data.length;
      if (length > limitBytes) throw tooLarge(limitBytes);
      parts.push(part.data);
    }
    bytes = Buffer.concat(parts);
  }
  if (read(header.encoding) === 'zstd') bytes = await decompress(bytes, { maxOutputLength: limitBytes });
  return Buffer.from(bytes).toString();
}

function tooLarge(limitBytes: number): Error {
  return new Error(`The body is larger than ${limitBytes} bytes`);
}
