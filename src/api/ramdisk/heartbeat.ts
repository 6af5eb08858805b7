// POST /v1/heartbeat/{node}: an agent's sign of life.
import { InvalidParameterValue } from '#model/faults.ts';
import { type Feature, featureMinors, hasFeature, versionText } from '#model/microversion.ts';
import { Arguments } from '../arguments.ts';
import { type Answer, accepted, type Call } from '../call.ts';
import { asBadRequest } from '../nodes/create.ts';
import { findNodeForVerb } from '../nodes/states-node.ts';
import { checkRamdiskEnabled } from './access.ts';

/** The argument and the version that brought it. The token is taken in every version, since it is wanted in each. */
const versionedArguments: readonly (readonly [string, Feature])[] = [
  ['agent_version', 'agentVersion'],
  ['agent_verify_ca', 'agentCertificate'],
  ['agent_status', 'agentStatus'],
  ['agent_status_message', 'agentStatus'],
];

const names: ReadonlySet<string> = new Set([
  'callback_url',
  'agent_token',
  ...versionedArguments.map(([name]) => name),
]);

/** What a heartbeat says is kept with the node, in every answer about it. */
const mostCharacters = { callback_url: 2048, agent_version: 255, agent_verify_ca: 65_536 } as const;
/** A message is cut rather than refused: the agent that sends it is in trouble already. */
const longestMessage = 4096;

const statuses: readonly (string | null)[] = ['start', 'end', 'error', null];

export async function receiveHeartbeat(call: Call): Promise<Answer> {
  checkRamdiskEnabled(call);
  const given = Arguments.of(call, names).require('callback_url');
  const callbackUrl = given.text('callback_url');
  for (const [name, feature] of versionedArguments)
    if (given.text(name) !== null && !hasFeature(call.minor, feature))
      throw new InvalidParameterValue(
        `"${name}" is not recognised before API version ${versionText(featureMinors[feature])}.`,
      );
  for (const [name, most] of Object.entries(mostCharacters))
    if ((given.text(name)?.length ?? 0) > most)
      throw new InvalidParameterValue(`The ${name} is longer than ${most} characters.`);
  const node = await findNodeForVerb(call);
  if (callbackUrl === null || !isCallbackUrl(callbackUrl))
    throw new InvalidParameterValue('The callback_url is to be an http or https URL, or empty.');
  const known = node.driver_internal_info['agent_url'];
  if (typeof known === 'string' && known !== callbackUrl)
    throw new InvalidParameterValue('The callback_url is another than the one this agent came with before.');
  const agentToken = given.text('agent_token');
  if (agentToken === null) throw new InvalidParameterValue('An agent token is required for a heartbeat.');
  const agentStatus = given.text('agent_status');
  if (!statuses.includes(agentStatus))
    throw new InvalidParameterValue('The agent_status is to be start, end or error.');
  await asBadRequest(
    async () =>
      await call.conductorOf(node, 'heartbeat', {
        node: node.uuid,
        callbackUrl,
        agentVersion: given.text('agent_version'),
        agentToken,
        agentVerifyCa: given.text('agent_verify_ca'),
        agentStatus,
        agentStatusMessage: given.text('agent_status_message')?.slice(0, longestMessage) ?? null,
      }),
  );
  return accepted();
}

/** An agent that is not to be called back, but polls, says so by an empty text. */
function isCallbackUrl(text: string): boolean {
  if (text === '') return true;
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
}
