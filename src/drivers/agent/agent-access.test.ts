import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidParameterValue } from '#model/faults.ts';
import { aTask } from '../testing/a-task.ts';
import { agentOf } from './agent-access.ts';

const agent_url = 'https://192.0.2.7:9999';
const certificate = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';

const sentByAgent = (agent_verify_ca: unknown) =>
  agentOf(aTask({ node: { driver_internal_info: { agent_url, agent_verify_ca } } }));
const namedByNode = (agent_verify_ca: unknown) =>
  agentOf(aTask({ node: { driver_internal_info: { agent_url }, driver_info: { agent_verify_ca } } }));

describe('what the certificate of an agent is checked against', () => {
  it('is a certificate that the agent sent, and nothing else that it may send', async () => {
    assert.ok(await sentByAgent(certificate));
    for (const other of ['/etc/hostname', '/dev/zero', 'False', '', 5, { ca: certificate }])
      await assert.rejects(sentByAgent(other), InvalidParameterValue);
  });

  it('is what the node names, but no file without an end', async () => {
    for (const good of [certificate, 'True', false, import.meta.filename]) assert.ok(await namedByNode(good));
    for (const other of ['/dev/zero', '/dev/null', '/proc/kmsg', '/no/such/file', 'a\0b', 5])
      await assert.rejects(namedByNode(other), InvalidParameterValue);
  });
});
