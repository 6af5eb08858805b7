// Which fields of a port an answer carries, and which a request may name, by microversion.
import { Invalid, InvalidParameterValue, NotAcceptable } from '#model/faults.ts';
import { hasFeature, versionText } from '#model/microversion.ts';
import { allPortFields, isPortField, type PortField, portField, portListFields } from '#model/port-fields.ts';
import type { Call } from '../call.ts';

/** Every field that a microversion shows, in the order of answers. */
export function portFieldsAt(minor: number): readonly PortField[] {
  return allPortFields.filter((name) => minor >= portField(name).since);
}

/** Throws NotAcceptable (406) when the request's version does not know the field. */
export function checkFieldVersion(name: PortField, minor: number): void {
  const { since } = portField(name);
  if (minor < since)
    throw new NotAcceptable(`The field ${name} of a port needs at least API version ${versionText(since)}.`);
}

/**
 * The fields that `fields=` asks for, or undefined without it. Throws NotAcceptable (406) for what the version does
 * not know, Invalid (400) for what no version knows. Links come with every answer.
 */
export function requestedFields(call: Call): readonly PortField[] | undefined {
  const names = call.query.list('fields');
  if (names === undefined) return undefined;
  if (!hasFeature(call.minor, 'fieldSelection'))
    throw new NotAcceptable('Choosing fields needs at least API version 1.8.');
  const fields = new Set<PortField>();
  for (const name of names.map((each) => each.toLowerCase())) {
    if (!isPortField(name)) throw new InvalidParameterValue(`Field(s) "${name}" are not valid`);
    checkFieldVersion(name, call.minor);
    fields.add(name);
  }
  return [...fields.add('links')];
}

/** The fields of a list: those asked for, all of them with `detail`, else the brief ones. */
export function listedFields(call: Call, detail: boolean): readonly PortField[] {
  const requested = requestedFields(call);
  if (requested && detail) throw new Invalid('detail=True and fields can not be given together.');
  return requested ?? (detail ? portFieldsAt(call.minor) : portListFields);
}
