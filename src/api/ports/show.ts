// GET /v1/ports/{port}.
import { type Answer, type Call, ok } from '../call.ts';
import { portFieldsAt, requestedFields } from './fields.ts';
import { findPort } from './find-port.ts';
import { portText } from './serialize.ts';

const fieldsOnly: ReadonlySet<string> = new Set(['fields']);

export async function showPort(call: Call): Promise<Answer> {
  call.query.allowOnly(fieldsOnly);
  const fields = requestedFields(call) ?? portFieldsAt(call.minor);
  const row = await findPort(call, call.param('port'));
  return ok(portText(row, fields, call.baseUrl));
}
