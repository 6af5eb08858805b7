// GET /v1/drivers/{driver}/properties and /raid/logical_disk_properties: what a hardware type wants to be told.
import { DriverNotFound, UnsupportedDriverExtension } from '#model/faults.ts';
import type { ConductorCalls, DriverCallName } from '#protocol/rpc.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { noArguments } from '../query.ts';

export async function showProperties(call: Call): Promise<Answer> {
  return ok(JSON.stringify(await askAnyConductor(call, 'get_driver_properties')));
}

export async function showRaidProperties(call: Call): Promise<Answer> {
  try {
    return ok(JSON.stringify(await askAnyConductor(call, 'get_raid_logical_disk_properties')));
  } catch (error) {
    // Here a driver without RAID is something that is not there (errors status_overrides, 2026.2).
    if (error instanceof UnsupportedDriverExtension)
      throw new UnsupportedDriverExtension(error.fields, { status: 404, cause: error });
    throw error;
  }
}

/** Every conductor that has the hardware type knows the same of it. Throws DriverNotFound when none lives. */
async function askAnyConductor<Name extends DriverCallName>(
  call: Call,
  name: Name,
): Promise<ConductorCalls[Name]['result']> {
  call.query.allowOnly(noArguments);
  const driver = call.param('driver');
  const { ring, conductors } = call.parts;
  const hosts = await ring.hostsWith(driver);
  if (hosts.length === 0) throw new DriverNotFound({ driver_name: driver });
  return await conductors.callAny(driver, name, call.context);
}
