// A service that is away just when a BMC reads the boot medium: the machine finds nothing to boot, and is not forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '#sim/cluster/free-port.ts';
import { BareMetalClient } from '../support/bare-metal-client.ts';
import { createMachine, enrol, makeAvailable, openDataCentre } from '../support/data-centre.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { holdsImage } from '../support/tiny-image.ts';

test('a machine that could not read its boot medium is booted once more', async () => {
  await using centre = await openDataCentre();
  const configuration = {
    ...centre.configuration,
    ingot: { ...centre.configuration['ingot'], boot_retry_after: 1 },
  };
  const start = async () => await ServiceProcess.start({ folder: centre.folder, configuration, port });
  const port = await freePort();
  const client = new BareMetalClient(`http://127.0.0.1:${port}`);
  const machine = await createMachine(centre.sim);

  await using first = await start();
  const uuid = await enrol(client, machine, centre);
  await makeAvailable(client, uuid);
  const seen = centre.sim.log(machine.name).length;
  const trap = centre.sim.checkpoints.arm({ name: 'deploy:deploy.deploy:committed', node: uuid });
  await client.provision(uuid, 'active');
  await trap.hit;
  assert.equal((await first.ended()).signal, 'SIGKILL');
  const boot = await centre.sim.waitFor(
    machine.name,
    (entry) => entry.kind === 'boot' && entry.sequence > seen,
    AbortSignal.timeout(10_000),
  );
  assert.ok(
    boot.kind === 'boot' && boot.outcome !== 'agent',
    'with nobody to serve it, the medium gave no agent',
  );

  await using _second = await start();
  await client.untilState(uuid, 'active');
  assert.ok(await holdsImage(machine.disks[0]?.file ?? '', centre.image));
});
