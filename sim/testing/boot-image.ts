// Makes small ISO images to boot, and a place to serve them from.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeIso, type IsoInput } from '#images/iso/compose.ts';
import { collectIso } from '#images/iso/image.ts';
import { startImageServer, type ImageServer } from '../image-server.ts';

export interface BootShelf extends AsyncDisposable {
  images: ImageServer;
  folder: string;
  /** Writes an image whose kernel gets those parameters, and tells its URL. */
  put(name: string, parameters: string): Promise<string>;
  putFiles(name: string, files: Record<string, string | Buffer>): Promise<string>;
}

export async function openBootShelf(): Promise<BootShelf> {
  const folder = await mkdtemp(join(tmpdir(), 'sim-images-'));
  const images = await startImageServer({ folder });
  const putFiles = async (name: string, files: Record<string, string | Buffer>): Promise<string> => {
    await writeFile(join(folder, name), await isoOf(files));
    return `${images.url}${name}`;
  };
  return {
    images,
    folder,
    putFiles,
    put: (name, parameters) => putFiles(name, bootFiles(parameters)),
    [Symbol.asyncDispose]: async () => {
      await images.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function bootFiles(parameters: string): Record<string, string | Buffer> {
  return {
    vmlinuz: Buffer.alloc(10_000, 'kernel'),
    'initrd.img': Buffer.alloc(30_000, 'ramdisk'),
    'boot/grub/grub.cfg': [
      'set timeout=0',
      'menuentry "boot" {',
      `    linux /vmlinuz ${parameters}`,
      '    initrd /initrd.img',
      '}',
    ].join('\n'),
  };
}

export function isoOf(files: Record<string, string | Buffer>): Promise<Buffer> {
  const input: IsoInput = {
    volumeLabel: 'SIM',
    modifiedAt: new Date(0),
    files: Object.entries(files).map(([path, bytes]) => ({
      path,
      source: { kind: 'bytes', bytes: Buffer.from(bytes) },
    })),
  };
  return collectIso(composeIso(input));
}
