import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runHooks } from './inspection-hooks.ts';
import { aTask } from './testing/a-task.ts';

const standard = 'ramdisk-error,validate-interfaces,ports,architecture';
const card = (name: string, mac_address: string, ipv4_address: string | null = null) => ({
  name,
  mac_address,
  ipv4_address,
  ipv6_address: null,
});

function anInventory(changes: Record<string, unknown> = {}) {
  return {
    interfaces: [card('eth0', '52:54:00:AA:BB:01', '192.0.2.7'), card('eth1', '52:54:00:aa:bb:02')],
    cpu: { architecture: 'x86_64', count: 8, flags: [] },
    memory: { total: 17_179_869_184, physical_mb: 16_384 },
    boot: { current_boot_mode: 'uefi', pxe_interface: null },
    ...changes,
  };
}

describe('the inspection hooks', () => {
  it('make properties and ports of an inventory, and keep what the operator set', () => {
    const task = aTask({ node: { properties: { capabilities: 'role:storage,boot_mode:bios', rack: 4 } } });
    const pluginData = { root_disk: { size: 100 * 2 ** 30 }, error: null };
    const all = `${standard},cpus,memory,root-device,boot-mode`;
    const result = runHooks(task, all, { inventory: anInventory(), pluginData });
    assert.deepEqual(result.changes.properties, {
      rack: 4,
      cpu_arch: 'x86_64',
      cpus: 8,
      memory_mb: 16_384,
      local_gb: 99,
      capabilities: 'role:storage,boot_mode:uefi',
    });
    assert.deepEqual(result.ports, [{ address: '52:54:00:aa:bb:01', pxe_enabled: true }]);
    assert.deepEqual(result.pluginData?.['macs'], ['52:54:00:aa:bb:01']);
  });

  it('make no property of what is no word', () => {
    const boot = { current_boot_mode: 'uefi,trusted_boot:true', pxe_interface: null };
    const sent = { inventory: anInventory({ boot }), pluginData: {} };
    const { changes } = runHooks(aTask(), `${standard},boot-mode`, sent);
    assert.deepEqual(changes.properties, { cpu_arch: 'x86_64' });
    for (const architecture of ['x'.repeat(65), 'x86_64\n', 'a,b:c']) {
      const wrong = { inventory: anInventory({ cpu: { architecture } }), pluginData: {} };
      assert.throws(() => runHooks(aTask(), standard, wrong), /architecture/);
    }
  });

  it('make a port of the card the machine booted from', () => {
    const sent = { inventory: anInventory(), pluginData: { boot_interface: '01-52-54-00-aa-bb-02' } };
    assert.deepEqual(runHooks(aTask(), standard, sent).ports, [
      { address: '52:54:00:aa:bb:02', pxe_enabled: true },
    ]);
  });

  it('make ports of the cards that add_ports names', () => {
    const addressesFor = (add_ports: 'all' | 'active' | 'disabled') => {
      const task = aTask({ settings: { inspector: { add_ports } } });
      return runHooks(task, standard, { inventory: anInventory(), pluginData: {} }).ports.length;
    };
    assert.deepEqual([addressesFor('all'), addressesFor('active'), addressesFor('disabled')], [2, 1, 0]);
  });

  const hostile: [why: string, inventory: Record<string, unknown>, pluginData: object, message: RegExp][] = [
    ['the agent reported an error', anInventory(), { error: 'no disks' }, /no disks/],
    ['there is no network card', anInventory({ interfaces: [] }), {}, /no network interface/],
    ['the list of cards is none', anInventory({ interfaces: 'eth0' }), {}, /no list of network interfaces/],
    [
      'no card has an address of its own',
      anInventory({ interfaces: [{ name: 'x', mac_address: 'y' }, 7] }),
      {},
      /no network interface/,
    ],
    ['there is no processor', anInventory({ cpu: null }), {}, /architecture/],
  ];
  for (const [why, inventory, pluginData, message] of hostile) {
    it(`fail when ${why}`, () => {
      const sent = { inventory, pluginData: { ...pluginData } };
      assert.throws(() => runHooks(aTask(), standard, sent), message);
    });
  }

  it('say which there are when one is asked for that is not', () => {
    const sent = { inventory: anInventory(), pluginData: {} };
    assert.throws(
      () => runHooks(aTask(), 'constructor', sent),
      /no inspection hook constructor; known are ramdisk-error/,
    );
  });
});
