// What the sensors of a machine's chassis read now.
import type { RedfishClient, Resource } from './client.ts';
import { ifThere, linksOf, members } from './collections.ts';
import { linkAt, listAt, numberAt, textAt } from './json.ts';
import { healthOf, readSystem, type Health } from './system.ts';

export interface SensorReading {
  group: 'Fan' | 'Temperature' | 'Power' | 'Other';
  /** Names the sensor within its chassis. */
  name: string;
  chassis: string;
  reading: number | null;
  /** RPM, Percent, Cel, W, V, A. */
  units: string | null;
  minimum: number | null;
  maximum: number | null;
  physicalContext: string | null;
  serialNumber: string | null;
  health: Health | null;
  state: string | null;
}

/** Reads all; a chassis without sensors has none. Either the older Thermal and Power resources, or Sensors. */
export async function readSensors(
  client: RedfishClient,
  systemPath: string,
  signal: AbortSignal,
): Promise<SensorReading[]> {
  const system = await readSystem(client, systemPath, signal);
  const readings: SensorReading[] = [];
  for (const path of linksOf(listAt(system.body, 'Links', 'Chassis'))) {
    const chassis = await ifThere(client.get(path, signal));
    if (chassis !== undefined) readings.push(...(await readChassis(client, chassis, signal)));
  }
  return readings;
}

async function readChassis(
  client: RedfishClient,
  { path, body }: Resource,
  signal: AbortSignal,
): Promise<SensorReading[]> {
  const chassis = textAt(body, 'Id') ?? path;
  const linked = async (name: string): Promise<unknown> => {
    const link = linkAt(body, name);
    return link === undefined ? undefined : (await ifThere(client.get(link, signal)))?.body;
  };
  const [thermal, power] = [await linked('Thermal'), await linked('Power')];
  if (thermal === undefined && power === undefined) {
    const sensors = await members(client, linkAt(body, 'Sensors'), signal);
    return sensors.map((sensor) => describeSensor(sensor.body, chassis));
  }
  return [
    ...listAt(thermal, 'Fans').map((fan) => ({
      ...common(fan, chassis),
      group: 'Fan' as const,
      reading: numberAt(fan, 'Reading') ?? null,
      units: textAt(fan, 'ReadingUnits') ?? null,
      minimum: numberAt(fan, 'MinReadingRange') ?? null,
      maximum: numberAt(fan, 'MaxReadingRange') ?? null,
    })),
    ...listAt(thermal, 'Temperatures').map((temperature) => ({
      ...common(temperature, chassis),
      group: 'Temperature' as const,
      reading: numberAt(temperature, 'ReadingCelsius') ?? null,
      units: 'Cel',
      minimum: numberAt(temperature, 'MinReadingRangeTemp') ?? null,
      maximum: numberAt(temperature, 'MaxReadingRangeTemp') ?? null,
    })),
    ...listAt(power, 'PowerSupplies').map((supply) => ({
      ...common(supply, chassis),
      group: 'Power' as const,
      reading: numberAt(supply, 'LastPowerOutputWatts') ?? null,
      units: 'W',
      minimum: null,
      maximum: numberAt(supply, 'PowerCapacityWatts') ?? null,
    })),
  ];
}

const groups: ReadonlyMap<string, SensorReading['group']> = new Map([
  ['Temperature', 'Temperature'],
  ['Rotational', 'Fan'],
  ['Power', 'Power'],
]);

function describeSensor(sensor: unknown, chassis: string): SensorReading {
  return {
    ...common(sensor, chassis),
    group: groups.get(textAt(sensor, 'ReadingType') ?? '') ?? 'Other',
    reading: numberAt(sensor, 'Reading') ?? null,
    units: textAt(sensor, 'ReadingUnits') ?? null,
    minimum: numberAt(sensor, 'ReadingRangeMin') ?? null,
    maximum: numberAt(sensor, 'ReadingRangeMax') ?? null,
  };
}

function common(item: unknown, chassis: string) {
  return {
    name: textAt(item, 'Name') ?? textAt(item, 'MemberId') ?? textAt(item, 'Id') ?? '',
    chassis,
    physicalContext: textAt(item, 'PhysicalContext') ?? null,
    serialNumber: textAt(item, 'SerialNumber') ?? null,
    health: healthOf(item),
    state: textAt(item, 'Status', 'State') ?? null,
  };
}
