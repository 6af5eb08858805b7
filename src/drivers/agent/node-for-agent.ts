// What an agent is told of its node. A list of what it needs rather than of what it must not see, since whatever
// runs on the machine may one day be a tenant's.
import type { NodeRecord } from '#model/node-record.ts';
import type { PortRecord } from '#model/port-record.ts';
import { instanceSecretKeys, maskSecrets } from '#model/secrets.ts';

/** Kept from agents though no key of it names a secret: it leads to the boot media of this node. */
const conductorsOwn = ['boot_media', 'agent_verify_ca', 'redfish_boot_device', 'lookup_bmc_addresses'];

/** The node as commands carry it: with the root device hints of its properties, without any secret. */
export function nodeForAgent(node: NodeRecord): Record<string, unknown> {
  const internal = Object.fromEntries(
    Object.entries(node.driver_internal_info).filter(([key]) => !conductorsOwn.includes(key)),
  );
  return {
    uuid: node.uuid,
    name: node.name,
    driver: node.driver,
    properties: maskSecrets(node.properties),
    instance_info: maskSecrets(node.instance_info, instanceSecretKeys),
    instance_uuid: node.instance_uuid,
    driver_internal_info: maskSecrets(internal),
    raid_config: node.raid_config,
    target_raid_config: node.target_raid_config,
    clean_step: node.clean_step,
    deploy_step: node.deploy_step,
    service_step: node.service_step,
  };
}

export function portsForAgent(ports: readonly PortRecord[]): Record<string, unknown>[] {
  return ports.map((port) => ({
    uuid: port.uuid,
    address: port.address,
    pxe_enabled: port.pxe_enabled,
    local_link_connection: port.local_link_connection,
    physical_network: port.physical_network,
    extra: maskSecrets(port.extra),
  }));
}
