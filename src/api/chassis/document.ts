// A chassis as answers show it (ironic api/controllers/v1/chassis.py, 2026.2).
import { Invalid, NotAcceptable } from '#model/faults.ts';
import type { ChassisRecord } from '#model/chassis-record.ts';
import type { Call } from '../call.ts';
import { links } from '../links.ts';
import { shownTime } from '../wire-time.ts';

const allFields = ['uuid', 'created_at', 'updated_at', 'description', 'extra', 'nodes', 'links'] as const;
export type ChassisField = (typeof allFields)[number];

export const chassisListFields: readonly ChassisField[] = ['uuid', 'description', 'links'];

/** A chassis, whole or as the fields have it. */
export function chassisDocument(
  call: Call,
  chassis: ChassisRecord,
  fields: readonly ChassisField[] = allFields,
): Record<string, unknown> {
  const path = `chassis/${chassis.uuid}`;
  const whole: Record<ChassisField, unknown> = {
    uuid: chassis.uuid,
    created_at: shownTime(chassis.created_at),
    updated_at: shownTime(chassis.updated_at),
    description: chassis.description,
    extra: chassis.extra,
    // A list in a list: published so, and clients unwrap it.
    nodes: [links(call.baseUrl, `${path}/nodes`)],
    links: links(call.baseUrl, path),
  };
  return Object.fromEntries(fields.map((name) => [name, whole[name]]));
}

/** The fields that the query chooses. Throws NotAcceptable (406) below 1.8, Invalid (400) for what is no field. */
export function chosenChassisFields(call: Call): readonly ChassisField[] | undefined {
  const names = call.query.list('fields');
  if (names === undefined) return undefined;
  if (!call.has('fieldSelection')) throw new NotAcceptable();
  const chosen = new Set(names.filter((name) => name !== ''));
  const unknown = [...chosen].find((name) => !allFields.some((each) => each === name));
  if (unknown !== undefined) throw new Invalid(`Field ${unknown} is not a valid field.`);
  return allFields.filter((name) => name === 'links' || chosen.has(name));
}
