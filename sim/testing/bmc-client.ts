// Asks an emulated BMC things, as a test needs it.
import type { MachineView, Sim } from '../sim.ts';

export interface BmcAnswer {
  status: number;
  headers: Headers;
  // A test names the members it looks at; what they are is what it checks.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
  text: string;
}

export interface BmcRequest {
  body?: unknown;
  headers?: Record<string, string>;
  /** The default is basic authentication. */
  anonymous?: boolean;
  signal?: AbortSignal;
}

export interface BmcClient {
  ask(method: string, path: string, request?: BmcRequest): Promise<BmcAnswer>;
  /** The system's resource, or one below it. */
  system(below?: string): Promise<BmcAnswer>;
  patchSystem(body: unknown): Promise<BmcAnswer>;
  reset(type: string): Promise<BmcAnswer>;
  insert(image: string): Promise<BmcAnswer>;
  eject(): Promise<BmcAnswer>;
  bootOnceFrom(target: string): Promise<BmcAnswer>;
}

export function bmcClient({ driver_info: info, uuid }: MachineView): BmcClient {
  const basic = `Basic ${Buffer.from(`${info.redfish_username}:${info.redfish_password}`).toString('base64')}`;
  const media = `/redfish/v1/Managers/${uuid}/VirtualMedia/Cd/Actions`;
  const client: BmcClient = {
    async ask(method, path, { body, headers = {}, anonymous = false, signal } = {}) {
      const response = await fetch(new URL(path, info.redfish_address), {
        method,
        headers: {
          // As a BMC client of Ironic's does; and no idle connection outlives a test.
          connection: 'close',
          ...(anonymous ? {} : { authorization: basic }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...(signal && { signal }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: parse(text), text };
    },
    system: (below = '') => client.ask('GET', `${info.redfish_system_id}${below}`),
    patchSystem: (body) => client.ask('PATCH', info.redfish_system_id, { body }),
    reset: (type) =>
      client.ask('POST', `${info.redfish_system_id}/Actions/ComputerSystem.Reset`, {
        body: { ResetType: type },
      }),
    insert: (image) =>
      client.ask('POST', `${media}/VirtualMedia.InsertMedia`, { body: { Image: image, Inserted: true } }),
    eject: () => client.ask('POST', `${media}/VirtualMedia.EjectMedia`, { body: {} }),
    bootOnceFrom: (target) =>
      client.patchSystem({
        Boot: { BootSourceOverrideTarget: target, BootSourceOverrideEnabled: 'Once' },
      }),
  };
  return client;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Waits until the machine's power has become that. */
export async function powerBecomes(sim: Sim, id: string, power: string, signal: AbortSignal): Promise<void> {
  if (sim.machine(id).power_state === power) return;
  const after = sim.log(id).at(-1)?.sequence ?? 0;
  await sim.waitFor(
    id,
    (entry) => entry.kind === 'power' && entry.to === power && entry.sequence > after,
    signal,
  );
}
