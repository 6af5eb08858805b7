// `?fields=`: which fields of a node an answer has.
import { InvalidParameterValue, NotAcceptable } from '#model/faults.ts';
import { isNodeField, nodeField, type NodeField, nodeFieldsNotSelectable } from '#model/node-fields.ts';
import type { Call } from '../call.ts';

/**
 * The fields that the query chooses, `links` last, or undefined when it chooses none. Throws NotAcceptable (406)
 * below 1.8 or for a field that the microversion does not have yet, InvalidParameterValue (400) for what is no field.
 */
export function chosenFields(call: Call): readonly NodeField[] | undefined {
  const names = call.query.list('fields')?.filter((name) => name !== '');
  if (names === undefined) return undefined;
  if (!call.has('fieldSelection')) throw new NotAcceptable();
  const fields = new Set<NodeField>();
  for (const name of names.map((each) => each.toLowerCase())) {
    if (!isNodeField(name) || nodeFieldsNotSelectable.includes(name))
      throw new InvalidParameterValue(`Field ${name} is not a valid field.`);
    if (nodeField(name).since > call.minor) throw new NotAcceptable();
    fields.add(name);
  }
  return [...fields, 'links'];
}
