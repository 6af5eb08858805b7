// What a node says of the image to deploy: checked before the machine is touched, and told to the agent in the end.
import type { Settings } from '#config/settings.ts';
import { buildConfigDrive, ConfigDriveInvalid, parseConfigDrive } from '#images/config-drive.ts';
import { InvalidParameterValue, MissingParameterValue } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { ImageInfo } from '#protocol/agent-commands.ts';

/** Hexadecimal digits of the digests whose algorithm a bare checksum tells by its length. */
const algorithmByLength: Readonly<Record<number, string>> = { 32: 'md5', 64: 'sha256', 128: 'sha512' };
const hexadecimal = /^[0-9a-f]+$/i;

/**
 * Checks `instance_info`: an image by http(s), a checksum that counts, a whole disk. Throws MissingParameterValue or
 * InvalidParameterValue naming the member. Asks nobody.
 */
export function checkImage(node: NodeRecord, settings: Settings): void {
  const source = textOf(node, 'image_source');
  if (source === null) throw missing('image_source');
  checkUrl('image_source', source);
  checkChecksum(node, settings);
  checkWholeDisk(node);
  const drive = node.instance_info['configdrive'];
  if (drive !== undefined && drive !== null) checked(() => parseConfigDrive(drive));
}

/** Spec agent-api.json#/ironic_side/image_info. Throws as `checkImage`. */
export function imageInfoOf(node: NodeRecord, settings: Settings): ImageInfo {
  checkImage(node, settings);
  const source = String(textOf(node, 'image_source')); // checkImage saw that it is there
  const { image_server_auth_strategy, image_server_user, image_server_password } = settings.deploy;
  const proxies = present({
    http: driverText(node, 'image_http_proxy'),
    https: driverText(node, 'image_https_proxy'),
  });
  return {
    id: lastPart(source),
    urls: [source],
    ...present({
      disk_format: textOf(node, 'image_disk_format'),
      container_format: textOf(node, 'image_container_format'),
      checksum: textOf(node, 'image_checksum'),
      os_hash_algo: textOf(node, 'image_os_hash_algo'),
      os_hash_value: textOf(node, 'image_os_hash_value'),
      no_proxy: driverText(node, 'image_no_proxy'),
    }),
    ...(Object.keys(proxies).length > 0 ? { proxies } : {}),
    ...(image_server_auth_strategy === 'http_basic' && isKnownServer(settings, node)
      ? present({ image_server_auth_strategy, image_server_user, image_server_password })
      : {}),
    image_type: 'whole-disk',
    stream_raw_images: settings.agent.stream_raw_images,
    node_uuid: node.uuid,
  };
}

/**
 * Whoever may set `instance_info` names any host there: the operator's password goes only to those that the operator
 * named (OSSN-0110, CVE-2026-90461).
 */
function isKnownServer(settings: Settings, node: NodeRecord): boolean {
  const { image_server_auth_hosts: known } = settings.deploy;
  const urls = [textOf(node, 'image_source'), textOf(node, 'image_checksum')].filter((text) =>
    text?.includes('://'),
  );
  return urls.length > 0 && urls.every((url) => known.includes(URL.parse(url ?? '')?.host ?? ''));
}

/** The node's config drive as the agent takes it: gzip+base64 text or a URL; null when there is none. */
export async function configDriveOf(node: NodeRecord): Promise<string | null> {
  const given = node.instance_info['configdrive'];
  if (given === undefined || given === null || given === '') return null;
  const input = checked(() => parseConfigDrive(given));
  switch (input.kind) {
    case 'encoded':
      return input.text;
    case 'url':
      return input.url;
    case 'data':
      return await buildConfigDrive(input.data, { uuid: node.uuid, name: node.name });
  }
}

function checkChecksum(node: NodeRecord, settings: Settings): void {
  const checksum = textOf(node, 'image_checksum');
  const algorithm = textOf(node, 'image_os_hash_algo');
  const value = textOf(node, 'image_os_hash_value');
  if ((algorithm === null) !== (value === null)) {
    throw missing(algorithm === null ? 'image_os_hash_algo' : 'image_os_hash_value');
  }
  if (checksum === null && algorithm === null) {
    throw new MissingParameterValue(
      'instance_info has neither image_checksum nor image_os_hash_algo with image_os_hash_value; ' +
        'an image is not written without proof that it is the right one.',
    );
  }
  if (value !== null && !hexadecimal.test(value)) throw invalid('image_os_hash_value', 'is not hexadecimal');
  if (checksum !== null) checkBareChecksum(checksum);
  const told = checksum?.includes('://') ? undefined : algorithmByLength[checksum?.length ?? 0];
  // The explicit one is what the agent goes by when both are given.
  if ((algorithm?.toLowerCase() ?? told) === 'md5' && !settings.agent.allow_md5_checksum) {
    throw invalid(
      algorithm === null ? 'image_checksum' : 'image_os_hash_algo',
      'is md5, which [agent]allow_md5_checksum does not allow; use sha256 or sha512',
    );
  }
}

function checkBareChecksum(checksum: string): void {
  if (checksum.includes('://')) return checkUrl('image_checksum', checksum);
  if (!hexadecimal.test(checksum) || algorithmByLength[checksum.length] === undefined) {
    throw invalid(
      'image_checksum',
      'is neither a sha256, sha512 or md5 digest nor the URL of a file that lists one',
    );
  }
}

function checkWholeDisk({ instance_info }: NodeRecord): void {
  if (instance_info['image_type'] === 'partition' || instance_info['kernel'] || instance_info['ramdisk']) {
    throw invalid(
      'image_type',
      'says that the image is of a partition; only images of whole disks can be written',
    );
  }
}

function checkUrl(member: string, text: string): void {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || !url.hostname) {
    throw invalid(member, 'is not an http or https URL');
  }
}

function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ConfigDriveInvalid) throw new InvalidParameterValue(error.message, { cause: error });
    throw error;
  }
}

/** A member of instance_info that is text; null when absent or empty. */
function textOf({ instance_info }: NodeRecord, member: string): string | null {
  const value = instance_info[member];
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string') throw invalid(member, 'is not text');
  return value;
}

function driverText({ driver_info }: NodeRecord, member: string): string | null {
  const value = driver_info[member];
  return typeof value === 'string' && value !== '' ? value : null;
}

function present<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(members).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> }; // only nulls were left out
}

function lastPart(url: string): string {
  return new URL(url).pathname.split('/').findLast((part) => part !== '') ?? url;
}

function missing(member: string): MissingParameterValue {
  return new MissingParameterValue(`instance_info has no ${member}, which a deployment needs.`);
}

function invalid(member: string, reason: string): InvalidParameterValue {
  return new InvalidParameterValue(`${member} in instance_info ${reason}.`);
}
