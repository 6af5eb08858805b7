// GET /v1/drivers and /v1/drivers/{driver}.
import { listDrivers, type OfferedDriver, offeredInterfaces } from '#db/driver-list.ts';
import { DriverNotFound, Invalid, InvalidParameterValue, NotAcceptable } from '#model/faults.ts';
import { hasFeature } from '#model/microversion.ts';
import { type InterfaceType, interfaceTypes } from '#model/power-states.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { links } from '../links.ts';

const listNames: ReadonlySet<string> = new Set(['type', 'detail', 'fields']);
const fieldsOnly: ReadonlySet<string> = new Set(['fields']);

/** What `fields=` may ask for; the interfaces come with detail only. */
const selectable = ['name', 'hosts', 'links', 'properties', 'type'];

/** The first microversion (its minor) that shows interfaces at all, and the types that came later. */
const interfacesSince = 30;
const typeSince: Partial<Record<InterfaceType, number>> = { storage: 33, rescue: 38, bios: 40, firmware: 86 };

export async function listAllDrivers(call: Call): Promise<Answer> {
  const { query, minor } = call;
  query.allowOnly(listNames);
  const detail = query.boolean('detail');
  const fields = query.list('fields');
  if (detail === true && fields) throw new Invalid('detail=True and fields can not be given together.');
  checkFields(fields, minor);
  if ((query.has('type') || detail !== undefined) && !hasFeature(minor, 'driverTypes'))
    throw new NotAcceptable('Types and details of drivers need at least API version 1.30.');
  const type = query.text('type');
  if (type !== undefined && type !== 'classic' && type !== 'dynamic')
    throw new InvalidParameterValue('The type of drivers is to be classic or dynamic.');
  // Classic drivers are a thing of the past: there are none to list.
  const drivers = type === 'classic' ? [] : await readDrivers(call);
  const shown = drivers.map((driver) => pick(describe(driver, call, detail ?? false), fields));
  return ok(JSON.stringify({ drivers: shown }));
}

export async function showDriver(call: Call): Promise<Answer> {
  call.query.allowOnly(fieldsOnly);
  const name = call.param('driver');
  const driver = (await readDrivers(call)).find((each) => each.name === name);
  if (!driver) throw new DriverNotFound({ driver_name: name });
  const fields = call.query.list('fields');
  checkFields(fields, call.minor);
  return ok(JSON.stringify(pick(describe(driver, call, true), fields)));
}

async function readDrivers(call: Call): Promise<OfferedDriver[]> {
  const { store, settings, clock } = call.parts;
  return await listDrivers(store.read, settings.conductor.heartbeat_timeout, clock);
}

function checkFields(fields: readonly string[] | undefined, minor: number): void {
  if (!fields) return;
  if (!hasFeature(minor, 'driverFields'))
    throw new NotAcceptable('Choosing fields of drivers needs at least API version 1.77.');
  const unknown = fields.find((name) => !selectable.includes(name));
  if (unknown !== undefined) throw new InvalidParameterValue(`Field(s) "${unknown}" are not valid`);
}

type Shown = Record<string, unknown>;

function describe(driver: OfferedDriver, call: Call, detail: boolean): Shown {
  const place = `drivers/${encodeURIComponent(driver.name)}`;
  return {
    name: driver.name,
    hosts: driver.hosts,
    links: links(call.baseUrl, place),
    ...(hasFeature(call.minor, 'stateLinks') && { properties: links(call.baseUrl, `${place}/properties`) }),
    ...(hasFeature(call.minor, 'driverTypes') && { type: 'dynamic' }),
    ...(detail && describeInterfaces(driver, call.minor)),
  };
}

function describeInterfaces(driver: OfferedDriver, minor: number): Shown {
  const shown: Shown = {};
  for (const type of interfaceTypes) {
    if (minor < (typeSince[type] ?? interfacesSince)) continue;
    const { enabled, byDefault } = offeredInterfaces(driver, type);
    shown[`default_${type}_interface`] = byDefault;
    shown[`enabled_${type}_interfaces`] = enabled;
  }
  return shown;
}

/** Links come with every answer. */
function pick(driver: Shown, fields: readonly string[] | undefined): Shown {
  if (!fields) return driver;
  return Object.fromEntries(
    Object.entries(driver).filter(([name]) => name === 'links' || fields.includes(name)),
  );
}
