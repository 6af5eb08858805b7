// Stands in for the agent where a test is about the machine: does what its kernel parameters say, and no more.
import { open, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { MachineFile } from '#protocol/machine-file.ts';

const { values } = parseArgs({
  options: { 'cmdline-file': { type: 'string' }, machine: { type: 'string' } },
});
const parameters = new Map(
  (await readFile(values['cmdline-file'] ?? '', 'utf8'))
    .trim()
    .split(' ')
    .map((parameter): [string, string] => {
      const [name = '', value = ''] = parameter.split('=');
      return [name, value];
    }),
);
// Written by the sim a moment ago, in this shape.
const machine = JSON.parse(await readFile(values.machine ?? '', 'utf8')) as MachineFile;
console.log(`agent of ${machine.uuid} speaking`);

const disk = machine.disks[0]?.file;
if (parameters.has('install') && disk !== undefined) {
  await using file = await open(disk, 'r+');
  await file.write(Buffer.from('EFI PART'), 0, 8, 512);
}
if (parameters.has('fill') && disk !== undefined) {
  await using file = await open(disk, 'r+');
  const megabyte = Buffer.alloc(1024 * 1024, 0xa5);
  for (let written = 0; written < Number(parameters.get('fill')); written += megabyte.length)
    await file.write(megabyte, 0, megabyte.length, written);
}
process.on('SIGTERM', () => process.exit(0));
if (parameters.has('exit')) process.exit(Number(parameters.get('exit')));
// Lives until its machine ends it.
setInterval(() => undefined, 60_000);
