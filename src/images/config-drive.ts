// A config drive: a small ISO image labelled config-2 that cloud-init reads on first boot. Users give it ready made
// (gzip+base64, or a URL of that), or as the data to make it from.
import { gunzipSync, gzipSync } from 'node:zlib';
import { isJsonObject } from '#model/json-object.ts';
import { composeIso } from './iso/compose.ts';
import { collectIso } from './iso/image.ts';

/** ironic-python-agent refuses larger ones (ironic_lib disk_utils, MAX_CONFIG_DRIVE_SIZE_MB). */
export const maxConfigDriveBytes = 64 * 1024 * 1024;

/** Keys as on the wire. */
export interface ConfigDriveData {
  meta_data?: Record<string, unknown>;
  network_data?: Record<string, unknown>;
  user_data?: Record<string, unknown> | unknown[] | string | null;
  vendor_data?: Record<string, unknown>;
}

export type ConfigDriveInput =
  | { kind: 'encoded'; text: string }
  | { kind: 'url'; url: string }
  | { kind: 'data'; data: ConfigDriveData };

/** The user's config drive cannot be used. The message never repeats any of it: it may hold passwords. */
export class ConfigDriveInvalid extends Error {
  override readonly name = 'ConfigDriveInvalid';
  readonly status = 400;

  constructor(reason: string, options?: ErrorOptions) {
    super(`The config drive cannot be used: ${reason}`, options);
  }
}

const dataFields = {
  meta_data: isJsonObject,
  network_data: isJsonObject,
  user_data: (value: unknown) => value === null || typeof value === 'string' || typeof value === 'object',
  vendor_data: isJsonObject,
} satisfies Record<keyof ConfigDriveData, (value: unknown) => boolean>;

/**
 * Tells the three forms apart and checks what Ironic checks when a deploy is asked for: text in base64's alphabet or
 * with a scheme, or an object of the four known members. Only http and https are fetched, so no other scheme passes.
 * Throws ConfigDriveInvalid.
 */
export function parseConfigDrive(value: unknown): ConfigDriveInput {
  if (typeof value === 'string') return parseText(value);
  if (!isJsonObject(value)) throw new ConfigDriveInvalid('it is neither text nor an object');
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(dataFields, name)) {
      throw new ConfigDriveInvalid(`it may have ${Object.keys(dataFields).join(', ')} only`);
    }
    // The check above makes the name one of the table's.
    if (!dataFields[name as keyof ConfigDriveData](member)) {
      throw new ConfigDriveInvalid(`${name} is of the wrong type`);
    }
  }
  return { kind: 'data', data: value };
}

function parseText(text: string): ConfigDriveInput {
  if (text.includes('://')) {
    const { protocol } = URL.parse(text.trim()) ?? {};
    if (protocol !== 'http:' && protocol !== 'https:') {
      throw new ConfigDriveInvalid('its URL is not one of http or https');
    }
    return { kind: 'url', url: text.trim() };
  }
  if (!/^[A-Za-z0-9+/=\s]*$/.test(text)) {
    throw new ConfigDriveInvalid('it is neither a URL nor gzipped and base64-encoded text');
  }
  return { kind: 'encoded', text };
}

/**
 * The config drive of `data`, gzipped and base64-encoded: the same data gives the same text. `uuid` and `name` of
 * meta_data are the node's unless given. Throws ConfigDriveInvalid when it would be larger than an agent writes.
 */
export async function buildConfigDrive(
  data: ConfigDriveData,
  node: { uuid: string; name: string | null },
): Promise<string> {
  const metaData = { uuid: node.uuid, ...(node.name === null ? {} : { name: node.name }), ...data.meta_data };
  const contents: [name: string, content: unknown][] = [
    ['meta_data.json', metaData],
    ['network_data.json', data.network_data],
    ['user_data', data.user_data],
    ['vendor_data2.json', data.vendor_data],
  ];
  const files = contents
    .filter(([, content]) => content !== undefined && content !== null)
    .map(([name, content]) => ({
      path: `openstack/latest/${name}`,
      source: { kind: 'bytes' as const, bytes: Buffer.from(asText(content)) },
    }));
  // Nothing on it depends on when it was made, so that a repeated deploy writes the same bytes.
  const image = composeIso({ volumeLabel: 'config-2', files, modifiedAt: new Date(0) });
  if (image.size > maxConfigDriveBytes) throw new ConfigDriveInvalid('it is larger than 64 MiB');
  return gzipSync(await collectIso(image)).toString('base64');
}

function asText(content: unknown): string {
  return typeof content === 'string' ? content : JSON.stringify(content);
}

/**
 * The bytes that go on the disk: base64 and gzip undone, and what is an ISO image already left as it is. Never makes
 * more than 64 MiB of it. Throws ConfigDriveInvalid.
 */
export function decodeConfigDrive(content: string | Uint8Array): Uint8Array {
  if (content.length > 2 * maxConfigDriveBytes) throw new ConfigDriveInvalid('it is larger than 64 MiB');
  const bytes =
    typeof content === 'string' ? Buffer.from(content, 'base64') : undoBase64(Buffer.from(content));
  if (bytes.toString('latin1', 0x8001, 0x8006) === 'CD001') return withinLimit(bytes);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
    throw new ConfigDriveInvalid('it is neither gzipped and base64-encoded nor an ISO image');
  }
  try {
    return gunzipSync(bytes, { maxOutputLength: maxConfigDriveBytes });
  } catch (cause) {
    const tooLarge = cause instanceof RangeError;
    throw new ConfigDriveInvalid(tooLarge ? 'it is larger than 64 MiB' : 'its gzip data is damaged', {
      cause,
    });
  }
}

/** What a URL gives is base64 of gzip, gzip, or the image; only the first consists of base64's characters. */
function undoBase64(bytes: Buffer): Buffer {
  const isText = bytes.length > 0 && /^[A-Za-z0-9+/=\s]*$/.test(bytes.toString('latin1'));
  return isText ? Buffer.from(bytes.toString('latin1'), 'base64') : bytes;
}

function withinLimit(bytes: Buffer): Buffer {
  if (bytes.length > maxConfigDriveBytes) throw new ConfigDriveInvalid('it is larger than 64 MiB');
  return bytes;
}
