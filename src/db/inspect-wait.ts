// The nodes that an agent may have found something of, by the address of their BMC.
import type { Reader } from './store.ts';

/** The nodes that wait for an inspection, or whose conductor looks at theirs, whose BMC has one of these addresses. */
export async function readNodesAwaitingInspection(
  reader: Reader,
  bmcAddresses: readonly string[],
): Promise<string[]> {
  if (bmcAddresses.length === 0) return [];
  const rows = await reader
    .selectFrom('nodes')
    .select(['uuid', 'driver_internal_info'])
    .where('provision_state', 'in', ['inspect wait', 'inspecting'])
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
