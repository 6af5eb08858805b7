import { defineHardwareType } from '../define.ts';

/** A machine that is not there. Takes any interface, so that one can be tried without the rest of its hardware. */
export const fakeHardware = defineHardwareType({
  name: 'fake-hardware',
  takesAnyInterface: true,
  // ironic drivers/fake_hardware.py and generic.py, 2026.2
  supported: {
    power: ['fake'],
    management: ['fake'],
    boot: ['fake', 'ipxe', 'pxe', 'http-ipxe', 'http'],
    deploy: ['fake', 'autodetect', 'direct', 'ansible', 'ramdisk', 'anaconda', 'bootc', 'custom-agent'],
    inspect: ['fake', 'agent', 'no-inspect'],
    bios: ['fake', 'no-bios'],
    raid: ['fake', 'no-raid', 'agent'],
    firmware: ['fake', 'no-firmware'],
    console: ['fake', 'no-console', 'fake-graphical'],
    network: ['flat', 'neutron', 'ironic-networking', 'noop'],
    rescue: ['fake', 'no-rescue', 'agent'],
    storage: ['fake', 'noop', 'cinder', 'external'],
    vendor: ['fake', 'no-vendor'],
  },
});
