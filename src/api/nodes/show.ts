import type { NodeRow } from '#db/tables.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { chosenFields } from './fields.ts';
import { findNodeRow } from './find-node.ts';
import type { NodeView } from './serialize.ts';

const takes = new Set(['fields']);

/** `GET /nodes/{node}` */
export async function showNode(call: Call): Promise<Answer> {
  call.query.allowOnly(takes);
  const fields = chosenFields(call);
  const row = await findNodeRow(call, call.param('node'), { suffix: true });
  return ok(await nodeText(call, row, fields ? call.parts.nodeViews.of(fields, call.minor) : undefined));
}

/** The JSON of one node, in full or as a view has it. */
export async function nodeText(
  call: Call,
  row: NodeRow,
  view: NodeView = call.parts.nodeViews.full(call.minor),
): Promise<string> {
  const conductor = view.showsConductor ? ((await call.parts.ring.findHost(row)) ?? null) : null;
  return view.text(row, { baseUrl: call.baseUrl, conductor });
}
