// Many machines that are deployed at the same time.
import assert from 'node:assert/strict';
import type { MachineView } from '#sim/sim.ts';
import type { BareMetalClient } from './bare-metal-client.ts';
import { createMachine, type DataCentre, enrol } from './data-centre.ts';
import { holdsImage } from './tiny-image.ts';
import { until } from './until.ts';

/** The long form of a test, for when a quarter of an hour is no matter. */
export const isLong = process.env['INGOT_TESTS'] === 'long';

export interface FleetMember {
  readonly machine: MachineView;
  readonly uuid: string;
}

/** So many machines in `available`. */
export async function anAvailableFleet(
  centre: DataCentre,
  client: BareMetalClient,
  size: number,
): Promise<FleetMember[]> {
  const fleet: FleetMember[] = [];
  for (let number = 0; number < size; number += 1) {
    const machine = await createMachine(centre.sim);
    fleet.push({ machine, uuid: await enrol(client, machine, centre, { automated_clean: false }) });
  }
  for (const [target, state] of [
    ['manage', 'manageable'],
    ['provide', 'available'],
  ] as const) {
    for (const { uuid } of fleet) await client.provision(uuid, target);
    for (const { uuid } of fleet) await client.untilState(uuid, state);
  }
  return fleet;
}

/** How many of them are on their way. Throws when one came to rest in a failed state. */
export async function stillDeploying(client: BareMetalClient): Promise<number> {
  type Page = { nodes: { uuid: string; provision_state: string; last_error: string | null }[] };
  const path = '/v1/nodes?fields=uuid,provision_state,last_error&driver=redfish';
  const { nodes } = await client.send<Page>('GET', path);
  for (const { uuid, provision_state: state, last_error: error } of nodes)
    assert.doesNotMatch(state, /failed|error/, `${uuid}: ${error}`);
  return nodes.filter(({ provision_state: state }) => state !== 'active').length;
}

/** Waits until every machine is active, and looks at its disk. */
export async function assertFleetDeployed(
  centre: DataCentre,
  client: BareMetalClient,
  fleet: readonly FleetMember[],
): Promise<void> {
  await until(
    async () => await stillDeploying(client),
    (left) => left === 0,
    { everyMilliseconds: 200 },
  );
  for (const { machine } of fleet)
    assert.ok(
      await holdsImage(machine.disks[0]?.file ?? '', centre.image),
      `the image is on ${machine.name}`,
    );
}
