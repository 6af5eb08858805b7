// What a machine's firmware and boot loader do with an ISO: read it over HTTP by ranges, find the kernel's parameters.
import { BootFailure } from './errors.ts';
import { HttpBytes } from './http-bytes.ts';
import { Iso9660Reader, type IsoFile } from './iso9660-reader.ts';

export interface BootParameters {
  /** What Linux would show as /proc/cmdline. */
  parameters: string;
  kernelBytes: number;
  ramdiskBytes: number;
}

interface ReadOptions {
  verifyCertificate: boolean;
  /** Read every byte of kernel and ramdisk, as a machine does, and not only their beginnings. */
  readAll: boolean;
  signal: AbortSignal;
}

const configPaths = ['/boot/grub/grub.cfg', '/EFI/BOOT/grub.cfg'];
const largestConfig = 256 * 1024;
const pieceBytes = 4 * 1024 * 1024;

/** Boots the ISO as far as a kernel's first instruction. Throws BootFailure with what firmware would have missed. */
export async function readBootParameters(url: string, options: ReadOptions): Promise<BootParameters> {
  using source = new HttpBytes(url, options);
  const iso = await Iso9660Reader.open(source);
  const { kernel, parameters, ramdisks } = parseGrubConfig(await readConfig(iso));
  const kernelBytes = await load(iso, kernel, options);
  let ramdiskBytes = 0;
  for (const ramdisk of ramdisks) ramdiskBytes += await load(iso, ramdisk, options);
  return { parameters, kernelBytes, ramdiskBytes };
}

async function readConfig(iso: Iso9660Reader): Promise<string> {
  for (const path of configPaths) {
    const file = await iso.file(path);
    if (!file) continue;
    if (file.size > largestConfig) throw new BootFailure(`${path} has ${file.size} bytes, too many.`);
    return (await file.read(0, file.size)).toString('utf8');
  }
  throw new BootFailure(`The image has neither ${configPaths.join(' nor ')}.`);
}

/** The first `linux` line and the `initrd` line after it. */
export function parseGrubConfig(text: string): { kernel: string; parameters: string; ramdisks: string[] } {
  const lines = text.split('\n').map((line) => line.trim());
  const linux = lines.findIndex((line) => /^linux(?:efi|16)?\s/.test(line));
  const [, kernel, ...parameters] = (lines[linux] ?? '').split(/\s+/);
  if (kernel === undefined) throw new BootFailure('grub.cfg has no "linux" line that names a kernel.');
  const initrd = lines.slice(linux).find((line) => /^initrd(?:efi|16)?\s/.test(line));
  return { kernel, parameters: parameters.join(' '), ramdisks: initrd?.split(/\s+/).slice(1) ?? [] };
}

async function load(iso: Iso9660Reader, path: string, options: ReadOptions): Promise<number> {
  const file: IsoFile | undefined = await iso.file(path);
  if (!file) throw new BootFailure(`The image has no ${path}, which its grub.cfg names.`);
  if (file.size === 0) throw new BootFailure(`${path} in the image is empty.`);
  const wanted = options.readAll ? file.size : Math.min(file.size, 4096);
  for (let offset = 0; offset < wanted; offset += pieceBytes)
    await file.read(offset, Math.min(pieceBytes, wanted - offset));
  return file.size;
}
