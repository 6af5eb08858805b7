// The nodes that wait for what an agent found, by the address of their BMC.
import type { Reader } from './store.ts';

/** The nodes in `inspect wait` whose BMC has one of these addresses. */
export async function readNodesAwaitingInspection(
  reader: Reader,
  bmcAddresses: readonly string[],
): Promise<string[]> {
  if (bmcAddresses.length === 0) return [];
  const rows = await reader
    .selectFrom('nodes')
    .select(['uuid', 'driver_internal_info'])
    .where('provision_state', '=', 'inspect wait')
    .execute();
  return rows
    .filter((row) =>
      addressesOf(row.driver_internal_info).some((each) => bmcAddresses.some((address) => address === each)),
    )
    .map((row) => row.uuid);
}

/** What the inspect interface noted before it booted the agent. */
function addressesOf(internalInfo: string): unknown[] {
  const info: Record<string, unknown> = JSON.parse(internalInfo);
  const noted = info['lookup_bmc_addresses'];
  return Array.isArray(noted) ? noted : [];
}
