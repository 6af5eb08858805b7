// What to type to take a simulated machine from nothing to a running image and back.
import type { MachineView } from './sim.ts';

interface Simulated {
  apiUrl: string;
  controlUrl: string;
  image: { url: string; sha256: string };
  machines: readonly MachineView[];
  /** What the end, and another start, make of them. */
  afterwards: string;
}

/** More would push what to do with them off the screen. */
const shownMachines = 3;

/** Commands that work as they stand, in this order, pasted into a shell. */
export function introduce({ apiUrl, controlUrl, image, machines, afterwards }: Simulated): string {
  const name = machines[0]?.name ?? 'NAME';
  const hidden = machines.length - shownMachines;
  return [
    `Simulated machines: ${machines.length}, each behind a Redfish BMC of its own. Enrol them from another terminal:`,
    '',
    `export OS_AUTH_TYPE=none OS_ENDPOINT=${apiUrl}`,
    ...machines.slice(0, shownMachines).flatMap(enrolment),
    ...(hidden > 0
      ? [`# and ${hidden} more: ${controlUrl}/sim/v1/machines tells their driver_info and macs`]
      : []),
    '',
    'Then take one to a running image, and back:',
    '',
    `openstack baremetal node manage ${name} --wait`,
    `openstack baremetal node inspect ${name} --wait`,
    `openstack baremetal node provide ${name} --wait`,
    `openstack baremetal node set ${name} --instance-info image_source=${image.url} \\`,
    '  --instance-info image_os_hash_algo=sha256 \\',
    `  --instance-info image_os_hash_value=${image.sha256}`,
    `openstack baremetal node deploy ${name} --wait --config-drive '{"meta_data": {"hostname": "${name}"}}'`,
    `curl ${apiUrl}/ingot/v1/nodes/${name}/operations`,
    `openstack baremetal node undeploy ${name} --wait`,
    '',
    `The machines can be looked at, and made to fail, at ${controlUrl}/sim/v1/machines. Ctrl-C ends everything;`,
    afterwards,
  ].join('\n');
}

/** The node gets the machine's UUID, so that its ports need not ask for one. */
function enrolment({ name, uuid, driver_info: info, macs }: MachineView): string[] {
  const options = Object.entries(info).map(([option, value]) => `  --driver-info ${option}=${value}`);
  return [
    [`openstack baremetal node create --driver redfish --name ${name} --uuid ${uuid}`, ...options].join(
      ' \\\n',
    ),
    ...macs.map((mac) => `openstack baremetal port create ${mac} --node ${uuid}`),
  ];
}
