// The power of a machine: what it is, and the actions that change it. Waiting for the change is the caller's business.
import { BmcProtocolError, BmcUnsupported } from '../errors.ts';
import type { RedfishClient, Resource } from './client.ts';
import { ifThere } from './collections.ts';
import { listAt, textAt, textsAt } from './json.ts';
import { readSystem } from './system.ts';

export type ResetType =
  | 'On'
  | 'ForceOff'
  | 'GracefulShutdown'
  | 'GracefulRestart'
  | 'ForceRestart'
  | 'Nmi'
  | 'ForceOn'
  | 'PushPowerButton'
  | 'PowerCycle';

const powerStates = ['On', 'Off', 'PoweringOn', 'PoweringOff', 'Paused'] as const;
export type RedfishPowerState = (typeof powerStates)[number];

/** What may be sent instead when a service does not offer the action itself. */
const substitutes: Partial<Record<ResetType, ResetType>> = { On: 'ForceOn', ForceRestart: 'PowerCycle' };

/** The state that makes an action unnecessary. */
const stateAfter: Partial<Record<ResetType, RedfishPowerState>> = {
  On: 'On',
  ForceOff: 'Off',
  GracefulShutdown: 'Off',
};

/** Null when the service does not know, as some do while they restart. */
export async function readPowerState(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<RedfishPowerState | null> {
  return powerStateOf(await readSystem(client, systemPath, signal));
}

export function powerStateOf({ body }: Resource): RedfishPowerState | null {
  const state = textAt(body, 'PowerState');
  return powerStates.find((known) => known === state) ?? null;
}

/** When the machine last came out of a reset (LastResetTime), by the clock of the service; null where it does not say. */
export async function readLastReset(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<string | null> {
  const { body } = await readSystem(client, systemPath, signal);
  return textAt(body, 'LastResetTime') ?? null;
}

/**
 * Asks for a power action; that it was accepted is all that is known then. Nothing is done if the machine refuses
 * because it is in that state already. A power-on refused as conflicting, as right after a power-off, is asked for
 * again. Throws BmcUnsupported if the service does not offer the action.
 * After an error with `mayHaveTakenEffect` read the state before asking again.
 */
export async function reset(
  client: RedfishClient,
  systemPath: string,
  resetType: ResetType,
  signal: AbortSignal,
): Promise<void> {
  const system = await readSystem(client, systemPath, signal);
  const { target, type } = await findReset(client, system, resetType, signal);
  const { powerOnConflictRetryAttempts, powerOnConflictRetryIntervalSeconds } = client.options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.post(target, { ResetType: type }, signal);
      return;
    } catch (error) {
      if (!(error instanceof BmcProtocolError) || (error.status !== 400 && error.status !== 409)) throw error;
      const wanted = stateAfter[resetType];
      if (wanted !== undefined && (await readPowerState(client, systemPath, signal)) === wanted) return;
      const isConflict = error.status === 409 && error.says('ActionParameterValueConflict');
      if (resetType !== 'On' || !isConflict || attempt > powerOnConflictRetryAttempts) throw error;
      await client.clock.sleep(powerOnConflictRetryIntervalSeconds * 1000, signal);
    }
  }
}

/** Makes the operating system dump itself. */
export function injectNmi(client: RedfishClient, systemPath: string, signal: AbortSignal): Promise<void> {
  return reset(client, systemPath, 'Nmi', signal);
}

async function findReset(client: RedfishClient, system: Resource, wanted: ResetType, signal: AbortSignal) {
  const action = ['Actions', '#ComputerSystem.Reset'];
  const target = textAt(system.body, ...action, 'target');
  if (target === undefined)
    throw new BmcUnsupported(client.address, 'offers no power actions for this machine');
  const allowed =
    textsAt(system.body, ...action, 'ResetType@Redfish.AllowableValues') ??
    (await allowedByInfo(client, textAt(system.body, ...action, '@Redfish.ActionInfo'), signal));
  // A service that names no values leaves it to be tried.
  if (allowed === undefined || allowed.includes(wanted)) return { target, type: wanted };
  const substitute = substitutes[wanted];
  if (substitute !== undefined && allowed.includes(substitute)) return { target, type: substitute };
  throw new BmcUnsupported(
    client.address,
    `does not offer the power action ${wanted}, only ${client.hide(allowed.join(', '))}`,
  );
}

async function allowedByInfo(
  client: RedfishClient,
  path: string | undefined,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  if (path === undefined) return undefined;
  const info = await ifThere(client.get(path, signal));
  const parameter = listAt(info?.body, 'Parameters').find((entry) => textAt(entry, 'Name') === 'ResetType');
  return textsAt(parameter, 'AllowableValues');
}
