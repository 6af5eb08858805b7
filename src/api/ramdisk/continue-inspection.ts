// POST /v1/continue_inspection: an agent says what it found. Anyone may, so only a node that waits for it is touched,
// and whatever is not found is answered alike.
import { readNodesAwaitingInspection } from '#db/inspect-wait.ts';
import { readNode } from '#db/nodes.ts';
import { Invalid, InvalidParameterValue, NodeLocked, NotFound } from '#model/faults.ts';
import { isJsonObject, type JsonObject } from '#model/json-object.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { ConductorCalls } from '#protocol/rpc.ts';
import type { Answer, Call } from '../call.ts';
import { asBadRequest } from '../nodes/create.ts';
import { canonicalMac } from '../ports/mac-address.ts';
import { noArguments } from '../query.ts';
import { checkRamdiskEnabled } from './access.ts';
import { nodeOfAddresses } from './lookup.ts';
import { lookupAnswer } from './lookup-answer.ts';

const nodeUuidOnly: ReadonlySet<string> = new Set(['node_uuid']);

/** Agents from before 1.84 send no version, and so come as this one; between the two nobody is expected. */
const formerAgents = 1;

/** What an agent sends beside the inventory, and what is not to be kept: too large, and read by people only. */
const notKept: readonly string[] = ['inventory', 'logs'];

export async function continueInspection(call: Call): Promise<Answer> {
  const isFormer = call.minor === formerAgents;
  if (!isFormer && !call.has('continueInspection')) throw new NotFound();
  checkRamdiskEnabled(call);
  call.query.allowOnly(isFormer ? noArguments : nodeUuidOnly);
  const uuid = call.query.uuid('node_uuid');
  const { found, inventory } = parseFindings(call.body());
  const node = await findWaitingNode(call, uuid, inventory);
  const pluginData = Object.fromEntries(Object.entries(found).filter(([name]) => !notKept.includes(name)));
  const taken = await asBadRequest(async () => await handOver(call, node, { inventory, pluginData }));
  const body = isFormer ? JSON.stringify({ uuid: node.uuid }) : lookupAnswer(call, taken.node, taken.token);
  return { status: 202, body };
}

async function handOver(
  call: Call,
  node: NodeRecord,
  found: { inventory: JsonObject; pluginData: JsonObject },
): Promise<ConductorCalls['continue_inspection']['result']> {
  try {
    return await call.conductorOf(node, 'continue_inspection', { node: node.uuid, ...found });
  } catch (cause) {
    // The inspection ended while its findings were on their way: to the agent the same as never having begun.
    if (cause instanceof NotFound) throw new NotFound(undefined, { cause });
    throw cause;
  }
}

interface Findings {
  found: JsonObject;
  inventory: JsonObject;
}

/** More than any machine has; each is looked for in the store. */
const mostInterfaces = 2048;

/** Throws InvalidParameterValue (400) for what is not an inventory with at least one interface. */
function parseFindings(body: unknown): Findings {
  const found = asObject(body, 'The findings of an inspection are');
  const inventory = asObject(found['inventory'], 'The "inventory" is');
  const { interfaces } = inventory;
  if (!Array.isArray(interfaces) || interfaces.length === 0 || interfaces.length > mostInterfaces)
    throw new InvalidParameterValue(
      `"inventory.interfaces" is to be a list of one interface at least and ${mostInterfaces} at most.`,
    );
  for (const each of interfaces) {
    const { mac_address: address } = asObject(each, 'Each of "inventory.interfaces" is');
    if (typeof address !== 'string')
      throw new InvalidParameterValue('Each of "inventory.interfaces" needs a "mac_address".');
  }
  for (const name of bmcNames) {
    const address = inventory[name] ?? null;
    if (address !== null && typeof address !== 'string')
      throw new InvalidParameterValue(`"inventory.${name}" is to be a text.`);
  }
  return { found, inventory };
}

const bmcNames = ['bmc_address', 'bmc_v6address'] as const;

function asObject(value: unknown, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new InvalidParameterValue(`${what} to be an object.`);
}

/**
 * The one waiting node that everything the agent knows of itself points at: the UUID it was booted with, its MAC
 * addresses, its BMC. Throws NotFound when they point at none, at several, or at different ones.
 */
async function findWaitingNode(
  call: Call,
  uuid: string | undefined,
  inventory: JsonObject,
): Promise<NodeRecord> {
  const addresses = macAddresses(inventory);
  const bmcAddresses = bmcNames.flatMap((name) => {
    const address = inventory[name];
    return typeof address === 'string' && address !== '' ? [address] : [];
  });
  if (uuid === undefined && addresses.length === 0 && bmcAddresses.length === 0)
    throw new Invalid('The inventory has nothing that a node could be found by.');
  const byAddress = await nodeOfAddresses(call, addresses);
  const { read } = call.parts.store;
  const byBmc = await readNodesAwaitingInspection(read, bmcAddresses);
  const named = uuid ?? byAddress;
  const chosen = named ?? (byBmc.length === 1 ? byBmc[0] : undefined);
  const agrees =
    (byAddress === undefined || byAddress === chosen) &&
    (byBmc.length === 0 || (chosen !== undefined && byBmc.includes(chosen)));
  const node = chosen !== undefined && agrees ? await readNode(read, chosen) : undefined;
  // Its BMC was slow to say that it is on, so that its conductor does not wait yet: agents come again after a 409.
  if (node?.provision_state === 'inspecting' && node.reservation !== null)
    throw new NodeLocked({ node: node.uuid, host: node.reservation });
  if (node?.provision_state !== 'inspect wait') throw new NotFound();
  return node;
}

function macAddresses({ interfaces }: JsonObject): string[] {
  // parseFindings saw a list of objects with texts.
  return (interfaces as { mac_address: string }[]).flatMap((each) => canonicalMac(each.mac_address) ?? []);
}
