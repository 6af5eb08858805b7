import { type Answer, type Call, ok } from '../../call.ts';
import { noArguments } from '../../query.ts';
import { explain } from './explain.ts';
import { readFacts } from './facts.ts';

/** `GET /ingot/v1/nodes/{node}/explain`: why the node is where it is, what it waits for, and what comes next. */
export async function showExplanation(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  return ok(JSON.stringify(explain(await readFacts(call))));
}
