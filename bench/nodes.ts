// The nodes that are measured with: fake hardware, every interface a fake, the network noop.
import type { Client } from './client.ts';
import { unexpected } from './client.ts';

const fakeInterfaces = Object.fromEntries(
  ['bios', 'boot', 'console', 'deploy', 'inspect', 'management', 'power', 'raid', 'rescue', 'vendor'].map(
    (type) => [`${type}_interface`, 'fake'],
  ),
);

/** A node as an operator would enrol it; about 2.7 kB in a detailed list. */
export function aFakeNode(uuid: string, name: string, resourceClass: string) {
  return {
    uuid,
    name,
    driver: 'fake-hardware',
    ...fakeInterfaces,
    network_interface: 'noop',
    storage_interface: 'noop',
    resource_class: resourceClass,
    // As the reference's own measurement had it: the life cycle is compared without cleaning.
    automated_clean: false,
    driver_info: { fake_address: `https://bmc-${name}.example`, fake_username: 'admin' },
    properties: {
      cpus: 64,
      cpu_arch: 'x86_64',
      memory_mb: 262144,
      local_gb: 960,
      capabilities: 'boot_mode:uefi,secure_boot:true',
      vendor: 'Example',
    },
    extra: { rack: 'r17', position: 12, asset: name, site: 'north' },
  };
}

export async function createNode(client: Client, node: ReturnType<typeof aFakeNode>): Promise<void> {
  const answer = await client.send('POST', '/v1/nodes', node);
  if (answer.status !== 201) throw unexpected('POST', '/v1/nodes', answer);
}

export async function deleteNode(client: Client, uuid: string): Promise<void> {
  const path = `/v1/nodes/${uuid}`;
  const answer = await client.send('DELETE', path);
  if (answer.status !== 204 && answer.status !== 404) throw unexpected('DELETE', path, answer);
}
