// Nodes brought into trouble, and what the service says of them.
import type { MachineSpec, MachineView } from '#sim/sim.ts';
import type { BareMetalClient } from './bare-metal-client.ts';
import { createMachine, type DataCentre, enrol, makeAvailable } from './data-centre.ts';
import { until } from './until.ts';

/** What tests read of GET /ingot/v1/nodes/{node}/explain; it gives more. */
export interface Explanation {
  cause: string;
  summary: string;
  since: string | null;
  provision_state: string;
  holder: { conductor: string; alive: boolean } | null;
  operation: { kind: string; step_name: string | null; attempt: number } | null;
  waits_for: {
    for: string;
    since: string | null;
    until: string | null;
    what_then: string;
    place: number | null;
    waiting: number | null;
  } | null;
  agent: { url: string | null; silent_seconds: number | null } | null;
  allowed_verbs: string[];
  cancellable: boolean;
}

/** Where a row of faults is injected: a service, and the machines before it. */
export interface Place {
  readonly client: BareMetalClient;
  readonly centre: DataCentre;
}

async function explain({ client }: Pick<Place, 'client'>, uuid: string): Promise<Explanation> {
  return await client.send<Explanation>('GET', `/ingot/v1/nodes/${uuid}/explain`);
}

/** Asks until the cause is the one given, in these words. Throws, with the last explanation, when it never is. */
export async function untilExplained(
  place: Pick<Place, 'client'>,
  uuid: string,
  { cause, says = /./ }: { cause: string; says?: RegExp },
): Promise<Explanation> {
  return await until(
    async () => await explain(place, uuid),
    (now) => now.cause === cause && says.test(now.summary),
    { everyMilliseconds: 100 },
  );
}

export interface EnrolledMachine {
  readonly machine: MachineView;
  readonly uuid: string;
}

/** A machine without an agent of its own: it turns on and off, and nobody is ever heard of on it. */
export async function aMemoryMachine(
  { client, centre }: Place,
  node: Record<string, unknown> = {},
): Promise<EnrolledMachine> {
  const machine = await createMachine(centre.sim, { kind: 'memory' });
  return { machine, uuid: await enrol(client, machine, centre, { automated_clean: false, ...node }) };
}

/** A machine that runs the agent when it is booted, in `available`. */
export async function aDeployableMachine(
  { client, centre }: Place,
  node: Record<string, unknown> = {},
  machineSpec: MachineSpec = {},
): Promise<EnrolledMachine> {
  const machine = await createMachine(centre.sim, machineSpec);
  const uuid = await enrol(client, machine, centre, { automated_clean: false, ...node });
  await makeAvailable(client, uuid);
  return { machine, uuid };
}

/** A node without hardware, at rest in the state. */
export async function aFakeNode(
  { client }: Pick<Place, 'client'>,
  state: 'enroll' | 'manageable' | 'available' | 'active',
  node: Record<string, unknown> = {},
): Promise<string> {
  const uuid = await client.createNode({ driver: 'fake-hardware', automated_clean: false, ...node });
  const way = [
    ['manage', 'manageable'],
    ['provide', 'available'],
    ['active', 'active'],
  ] as const;
  if (state === 'enroll') return uuid;
  for (const [verb, reached] of way) {
    await client.provision(uuid, verb);
    await client.untilState(uuid, reached);
    if (reached === state) break;
  }
  return uuid;
}
