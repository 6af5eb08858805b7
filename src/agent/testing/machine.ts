// A machine with file-backed disks, for tests.
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineFile } from '#protocol/machine-file.ts';

export const gibibyte = 1024 ** 3;

export interface TestMachine extends AsyncDisposable {
  folder: string;
  machine: MachineFile;
  /** Where its MachineFile is. */
  machineFile: string;
  /** The file behind each disk. */
  diskFiles: string[];
}

/** A machine whose disks are sparse files of these sizes. */
export async function aMachine(diskSizes: number[] = [4 * gibibyte]): Promise<TestMachine> {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-agent-'));
  const diskFiles: string[] = [];
  for (const [at, size] of diskSizes.entries()) {
    const file = join(folder, `disk${at}`);
    await using handle = await open(file, 'w');
    await handle.truncate(size);
    diskFiles.push(file);
  }
  const machine: MachineFile = {
    uuid: '8c4a8b5e-0000-4000-8000-000000000001',
    hostname: 'machine-1',
    listen: { host: '127.0.0.1', port: 0 },
    interfaces: [
      {
        name: 'eth0',
        mac_address: '52:54:00:AA:BB:01',
        ipv4_address: '192.0.2.1',
        speed_mbps: 25_000,
        pci_address: '0000:01:00.0',
      },
    ],
    disks: diskFiles.map((file, at) => ({
      name: `/dev/sd${'abcdef'[at]}`,
      file,
      model: 'Ingot Disk',
      serial: `serial-${at}`,
      wwn: null,
      vendor: 'Ingot',
      rotational: false,
      hctl: `0:0:${at}:0`,
      by_path: null,
      tran: 'sata',
      logical_sectors: 512,
    })),
    cpu: { model_name: 'Test CPU', count: 8, architecture: 'x86_64', frequency: '2400', flags: ['sse'] },
    memory: { total: 16 * gibibyte, physical_mb: 16 * 1024 },
    system_vendor: { product_name: 'Machine', serial_number: 'S1', manufacturer: 'Ingot' },
    boot: { current_boot_mode: 'uefi', pxe_interface: null },
    bmc_address: '127.0.0.1',
  };
  const machineFile = join(folder, 'machine.json');
  await writeFile(machineFile, JSON.stringify(machine));
  return {
    folder,
    machine,
    machineFile,
    diskFiles,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
