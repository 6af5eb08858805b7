import { defineHardwareType } from '../define.ts';

/** Any machine whose BMC speaks Redfish (ironic drivers/redfish.py and generic.py, 2026.2). */
export const redfishHardware = defineHardwareType({
  name: 'redfish',
  supported: {
    power: ['redfish'],
    management: ['redfish', 'noop'],
    boot: ['ipxe', 'pxe', 'http-ipxe', 'http', 'redfish-virtual-media', 'redfish-https'],
    deploy: ['autodetect', 'direct', 'ansible', 'ramdisk', 'anaconda', 'bootc', 'custom-agent'],
    inspect: ['redfish', 'agent', 'no-inspect'],
    bios: ['redfish', 'no-bios'],
    raid: ['redfish', 'no-raid', 'agent'],
    firmware: ['redfish', 'no-firmware'],
    console: ['redfish-graphical', 'ipmitool-socat', 'no-console', 'fake-graphical'],
    network: ['flat', 'neutron', 'ironic-networking', 'noop'],
    rescue: ['no-rescue', 'agent'],
    storage: ['noop', 'cinder', 'external'],
    vendor: ['redfish', 'no-vendor'],
  },
});
