// The ISO that a machine boots the agent from: made of the node's record and shared base files whenever somebody asks
// for some of its bytes, so that any process can serve it, also after a restart, and none is ever stored.
import { readFile } from 'node:fs/promises';
import type { Settings } from '#config/settings.ts';
import { InvalidParameterValue, MissingParameterValue } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { BootFiles, NamedBy } from './boot-files.ts';
import { composeIso } from './iso/compose.ts';
import type { IsoImage } from './iso/image.ts';
import { fileSource, type IsoSource } from './iso/source.ts';
import { mediaUrl, withoutSlash } from './service-url.ts';

/** What the record keeps of a node's boot media, as `driver_internal_info.boot_media`. */
export interface BootMedia {
  /** Part of the URL: who does not know it is not served. */
  secret: string;
  /** Those of this boot, which tell it from every other. */
  kernel_parameters: Readonly<Record<string, string>>;
  /** Those of the settings and the node, as they were when the boot was prepared. */
  append: string;
  /** When it was prepared: the date of the files. */
  prepared_at: string;
}

/** Where a base file is, and who said so. */
export interface BaseFile {
  reference: string;
  namedBy: NamedBy;
}

/** The boot media that were prepared for the node; null when there are none. */
export function bootMediaOf({ driver_internal_info }: NodeRecord): BootMedia | null {
  const kept = driver_internal_info['boot_media'];
  // Written by whoever prepares a boot, in this form alone.
  return typeof kept === 'object' && kept !== null ? (kept as BootMedia) : null;
}

/** Where the BMC of a node finds its boot media. */
export function bootMediaUrl(settings: Settings, node: NodeRecord, secret: string): string {
  const own = node.driver_info['external_http_url'];
  const base = typeof own === 'string' && own !== '' ? withoutSlash(own) : mediaUrl(settings);
  return `${base}/ingot/boot/${node.uuid}/${secret}/boot.iso`;
}

/**
 * The boot media of a node, for any range of its bytes; null when none were prepared. Throws BootFileUnavailable, or
 * InvalidParameterValue or MissingParameterValue naming what the node or the settings lack. May be repeated.
 */
export async function composeBootMedia(
  settings: Settings,
  node: NodeRecord,
  files: BootFiles,
  signal: AbortSignal,
): Promise<IsoImage | null> {
  const media = bootMediaOf(node);
  if (media === null) return null;
  const { kernel, ramdisk, bootloader } = baseFilesOf(settings, node);
  const source = async ({ reference, namedBy }: BaseFile) =>
    await fileSource(await files.locate(reference, namedBy, signal));
  const grub = text(grubConfig(kernelLine(media)));
  const contents: { path: string; source: IsoSource }[] = [
    { path: 'vmlinuz', source: await source(kernel) },
    { path: 'initrd', source: await source(ramdisk) },
    { path: 'boot/grub/grub.cfg', source: grub },
    { path: 'EFI/BOOT/grub.cfg', source: grub },
    ...networkData(node),
    ...(await agentCa(settings)),
  ];
  return composeIso({
    volumeLabel: 'ingot-boot',
    files: contents,
    ...(bootloader ? { efiBootImage: await source(bootloader) } : {}),
    modifiedAt: new Date(media.prepared_at),
  });
}

type BaseFileName = `${'deploy' | 'rescue'}_${'kernel' | 'ramdisk'}` | 'bootloader';

/** The base files that a node boots from. Throws MissingParameterValue when there is no kernel or ramdisk. */
export function baseFilesOf(
  settings: Settings,
  node: NodeRecord,
): { kernel: BaseFile; ramdisk: BaseFile; bootloader: BaseFile | null } {
  const { conductor } = settings;
  const find = (name: BaseFileName): BaseFile | null => {
    const own = node.driver_info[name];
    if (typeof own === 'string' && own !== '') {
      return { reference: own, namedBy: { who: 'node', allowedPaths: conductor.file_url_allowed_paths } };
    }
    const architecture = node.properties['cpu_arch'];
    const byArchitecture = conductor[`${name}_by_arch`];
    // An architecture is a node's own word, and may be one that every object knows.
    const isKnown = typeof architecture === 'string' && Object.hasOwn(byArchitecture, architecture);
    const reference = (isKnown ? byArchitecture[architecture] : undefined) ?? conductor[name];
    return reference === null || reference === undefined ? null : { reference, namedBy: { who: 'operator' } };
  };
  const isRescue = node.provision_state.startsWith('rescu');
  const required = (file: 'kernel' | 'ramdisk'): BaseFile => {
    const name = `deploy_${file}` as const;
    // The ramdisk of the agent serves for rescue where there is none of its own.
    const found = (isRescue ? find(`rescue_${file}`) : null) ?? find(name);
    if (found) return found;
    throw new MissingParameterValue(
      `Neither driver_info nor [conductor] of the configuration names a ${name}.`,
    );
  };
  return {
    kernel: required('kernel'),
    ramdisk: required('ramdisk'),
    bootloader: find('bootloader'),
  };
}

/**
 * The kernel parameters that settings and node add: `driver_info` goes before [redfish]kernel_append_params, and
 * `%default%` in it stands for those. Throws InvalidParameterValue for what could be more than parameters.
 */
export function appendedParameters(settings: Settings, node: NodeRecord): string {
  const standard = settings.redfish.kernel_append_params;
  const own = node.instance_info['kernel_append_params'] ?? node.driver_info['kernel_append_params'];
  if (own !== undefined && own !== null && typeof own !== 'string') {
    throw new InvalidParameterValue('kernel_append_params is not text.');
  }
  const words = (own ?? standard)
    .replaceAll('%default%', standard)
    .split(/ +/)
    .filter((word) => word !== '');
  words.forEach(checkWord);
  return words.join(' ');
}

/**
 * What may stand in a parameter: nothing that ends a line of a boot loader's script, or a word of it, or that it
 * would expand (class of CVE-2026-46447).
 */
const parameterWord = /^[A-Za-z0-9_][A-Za-z0-9_.,:/@+=%~[\]-]*$/;

function checkWord(word: string): void {
  if (parameterWord.test(word) && word.length <= 1024) return;
  throw new InvalidParameterValue(
    `A kernel parameter (${JSON.stringify(word.split('=')[0]?.slice(0, 40))}) has characters that none may have; ` +
      'letters, digits and _ . , : / @ + = % ~ [ ] - are allowed.',
  );
}

function kernelLine({ kernel_parameters, append }: BootMedia): string {
  const words = Object.entries(kernel_parameters).map(([name, value]) =>
    value === '' ? name : `${name}=${value}`,
  );
  // How the agent knows that its parameters came from a medium and not from the network.
  const all = [...append.split(' '), 'boot_method=vmedia', ...words].filter((word) => word !== '');
  all.forEach(checkWord);
  return all.join(' ');
}

function grubConfig(parameters: string): string {
  return [
    'set default=0',
    'set timeout=0',
    'set hidden_timeout_quiet=false',
    '',
    'menuentry "boot" {',
    `  linux /vmlinuz ${parameters}`,
    '  initrd /initrd',
    '}',
    '',
  ].join('\n');
}

function networkData({ network_data }: NodeRecord): { path: string; source: IsoSource }[] {
  if (Object.keys(network_data).length === 0) return [];
  return [{ path: 'openstack/latest/network_data.json', source: text(JSON.stringify(network_data)) }];
}

/** Agents take the certificate over from the medium (ironic drivers/modules/image_utils.py, 2026.2). */
async function agentCa({ agent }: Settings): Promise<{ path: string; source: IsoSource }[]> {
  if (agent.api_ca_file === null) return [];
  const certificate = await readFile(agent.api_ca_file, 'utf8');
  const config = '[DEFAULT]\ncafile = /etc/ironic-python-agent/ironic.crt\n';
  return [
    { path: 'etc/ironic-python-agent/ironic.crt', source: text(certificate) },
    { path: 'etc/ironic-python-agent.d/ironic-tls.conf', source: text(config) },
  ];
}

function text(content: string): IsoSource {
  return { kind: 'bytes', bytes: Buffer.from(content) };
}
