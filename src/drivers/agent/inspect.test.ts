import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agentInspect } from './inspect.ts';
import { Bench } from './testing/bench.ts';

const settings = {
  deploy: { external_callback_url: 'http://192.0.2.1:6385/' },
  inspector: { extra_kernel_params: 'ipa-inspection-collectors=default ipa-insecure' },
};

describe('inspection by the agent', () => {
  it('boots it once, waits for its data, and ends with the machine off', async () => {
    const bench = new Bench({ flow: 'inspect', settings });
    const inspect = async () => {
      const outcome = await agentInspect.inspect(bench.task);
      assert.ok('kind' in outcome);
      return outcome;
    };
    assert.equal((await bench.throughDeaths(inspect)).kind, 'wait');
    assert.equal(
      bench.media?.['ipa-inspection-callback-url'],
      'http://192.0.2.1:6385/v1/continue_inspection',
    );
    assert.equal(bench.media['ipa-api-url'], 'http://192.0.2.1:6385');
    assert.equal(bench.media['ipa-inspection-collectors'], 'default');
    assert.equal(bench.media['ipa-insecure'], '');
    // A heartbeat after the data does not end it, nor start it again.
    bench.hear('http://127.0.0.1:9');
    assert.deepEqual(await inspect(), { kind: 'wait', for: 'agent' });
    await agentInspect.finish?.(bench.task);
    await agentInspect.finish?.(bench.task);
    assert.deepEqual(bench.log, ['insert', 'power on', 'power off', 'eject']);
    assert.equal(bench.task.node.driver_internal_info['agent_secret_token'], undefined);
  });

  it('makes the result of what was sent', async () => {
    const bench = new Bench({ flow: 'inspect' });
    const inventory = {
      interfaces: [{ name: 'eth0', mac_address: '52:54:00:aa:bb:01' }],
      cpu: { architecture: 'aarch64' },
    };
    const result = await agentInspect.continueInspection?.(bench.task, { inventory, pluginData: {} });
    assert.deepEqual(result?.ports, [{ address: '52:54:00:aa:bb:01', pxe_enabled: true }]);
    assert.deepEqual(result?.changes.properties, { cpu_arch: 'aarch64' });
  });

  it('remembers the address of the BMC for it, unless that could be any machine’s', async () => {
    const addresses = async (redfish_address: string) => {
      const bench = new Bench({ flow: 'inspect', node: { driver_info: { redfish_address } } });
      await agentInspect.inspect(bench.task);
      return bench.task.node.driver_internal_info['lookup_bmc_addresses'];
    };
    assert.deepEqual(await addresses('https://192.0.2.5:8443/redfish/v1'), ['192.0.2.5']);
    assert.deepEqual(await addresses('http://127.0.0.1:8000'), []);
    const many = Array.from({ length: 200 }, (_, at) => [`number${at}_address`, `192.0.2.${at}`]);
    const bench = new Bench({ flow: 'inspect', node: { driver_info: Object.fromEntries(many) } });
    await agentInspect.inspect(bench.task);
    const remembered = bench.task.node.driver_internal_info['lookup_bmc_addresses'];
    assert.equal(Array.isArray(remembered) && remembered.length, 8);
  });
});
