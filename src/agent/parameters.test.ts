import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseParameters } from './parameters.ts';

test('kernel parameters are read with the defaults of ironic-python-agent', () => {
  const parameters = parseParameters('BOOT_IMAGE=/vmlinuz quiet ro\n');
  assert.equal(parameters.apiUrls, null);
  assert.equal(parameters.lookupTimeout, 600);
  assert.equal(parameters.heartbeatMinGap, 5);
  assert.deepEqual(parameters.inspectionCollectors, ['default', 'logs']);
  assert.equal(parameters.insecure, false);
});

test('what is given is taken, the last of two, whatever else the line holds', () => {
  const token = 't'.repeat(43);
  const parameters = parseParameters(
    `console=ttyS0,115200 ipa-api-url=http://a:1,http://b:2/ ipa-insecure=1 ipa-debug ipa-listen-port=0 ipa-agent-token=x ipa-agent-token=${token} BOOTIF=01-52-54-00-AA-BB-CC ipa-heartbeat-min-gap=0.2`,
  );
  assert.deepEqual(parameters.apiUrls, ['http://a:1', 'http://b:2/']);
  assert.equal(parameters.insecure, true);
  assert.equal(parameters.debug, true);
  assert.equal(parameters.listenPort, 0);
  assert.equal(parameters.agentToken, token);
  assert.equal(parameters.bootInterface, '52:54:00:aa:bb:cc');
  assert.equal(parameters.heartbeatMinGap, 0.2);
});

test('a token too short to be one is taken for none', () => {
  assert.equal(parseParameters('ipa-agent-token=short').agentToken, null);
});

test('a value of the wrong form is refused by the name of its parameter', () => {
  for (const [line, message] of [
    ['ipa-lookup-timeout=soon', /ipa-lookup-timeout is "soon", which is not a number of seconds/],
    ['ipa-listen-port=70000', /ipa-listen-port is "70000", which is not a port/],
    ['ipa-insecure=maybe', /ipa-insecure is "maybe", which is not true or false/],
    ['ipa-disk-wait-attempts=1.5', /not a whole number/],
  ] as const)
    assert.throws(() => parseParameters(line), message);
});
