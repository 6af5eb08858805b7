// POST /ingot/v1/nodes/{node}/preflight: whether a deployment would begin well, looked at without changing anything.
import { readNode } from '#db/nodes.ts';
import { Invalid, NodeNotFound } from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { Arguments } from '../arguments.ts';
import { parseSteps } from '../nodes/provision-steps.ts';
import { nodeUuidOf } from './seen-nodes.ts';

const names: ReadonlySet<string> = new Set(['instance_info', 'deploy_steps']);

/** Members of `instance_info` and `deploy_steps` in the body are tried instead of what is stored. */
export async function runPreflight(call: Call): Promise<Answer> {
  const given = Arguments.of(call, names);
  const uuid = await nodeUuidOf(call);
  const node = await readNode(call.parts.store.read, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  const instanceInfo = given.textOrObject('instance_info');
  if (instanceInfo !== null && !isJsonObject(instanceInfo))
    throw new Invalid('Expected an object for instance_info.');
  const steps = given.list('deploy_steps');
  const { disallow_deploy_steps } = call.parts.settings.api;
  const deploySteps = steps === null ? null : parseSteps(steps, 'deploy', disallow_deploy_steps);
  const report = await call.conductorOf(node, 'preflight', {
    node: node.uuid,
    trial: { instanceInfo, deploySteps },
  });
  const past = await call.parts.past.of('deploy', node.driver);
  const passes = report.checks.every(({ result }) => result !== 'failed');
  const estimate = past.whole && {
    from: past.whole.count,
    median_seconds: past.whole.median,
    p90_seconds: past.whole.p90,
  };
  return ok(JSON.stringify({ node: node.uuid, passes, ...report, estimate }));
}
