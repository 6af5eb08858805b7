// GET /v1/lookup: an agent asks which node it runs on. Anyone may ask, so whatever is not found is answered alike.
import { readNode } from '#db/nodes.ts';
import { readNodesOfAddresses } from '#db/port-list.ts';
import { IncompleteLookup, NotFound } from '#model/faults.ts';
import { fastTrackEnabled } from '#model/fast-track.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { isLookupAllowed } from '#model/provision-states.ts';
import { mask } from '#model/secrets.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { asBadRequest } from '../nodes/create.ts';
import { canonicalMac } from '../ports/mac-address.ts';
import { checkRamdiskEnabled } from './access.ts';
import { lookupAnswer } from './lookup-answer.ts';

const names: ReadonlySet<string> = new Set(['addresses', 'node_uuid']);

export async function lookUpNode(call: Call): Promise<Answer> {
  checkRamdiskEnabled(call);
  call.query.allowOnly(names);
  const uuid = call.query.uuid('node_uuid');
  const addresses = (call.query.list('addresses') ?? []).flatMap((text) => canonicalMac(text) ?? []);
  if (uuid === undefined && addresses.length === 0) throw new IncompleteLookup();
  const found = uuid ?? (await nodeOfAddresses(call, addresses));
  const node = found === undefined ? undefined : await readNode(call.parts.store.read, found);
  const { settings } = call.parts;
  if (!node) throw new NotFound();
  const options = { fastTrack: fastTrackEnabled(node, settings.deploy.fast_track) };
  if (settings.api.restrict_lookup && !isLookupAllowed(node.provision_state, options)) throw new NotFound();
  // An agent from before tokens is not told one, nor whether a newer one was: the reference gives it away here.
  if (!call.has('agentToken')) return ok(lookupAnswer(call, node, knownToken(node)));
  const taken = await asBadRequest(
    async () => await call.conductorOf(node, 'get_node_with_token', { node: node.uuid }),
  );
  return ok(lookupAnswer(call, taken.node, taken.token));
}

/** The one node that has ports with these addresses. When there are several, none of them can be meant. */
export async function nodeOfAddresses(call: Call, addresses: readonly string[]): Promise<string | undefined> {
  const [node, ...others] = await readNodesOfAddresses(call.parts.store.read, addresses);
  if (others.length > 0) throw new NotFound();
  return node;
}

function knownToken(node: NodeRecord): string | null {
  return typeof node.driver_internal_info['agent_secret_token'] === 'string' ? mask : null;
}
