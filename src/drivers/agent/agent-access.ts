// How the conductor reaches the agent of a node, from what the node's record says.
import { readFile, stat } from 'node:fs/promises';
import type { Settings } from '#config/settings.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { booleanWord } from '#model/boolean-word.ts';
import type { Task } from '../task.ts';
import { AgentClient } from './agent-client.ts';

/**
 * A client for the agent of the current boot; null while none was heard of. Whoever asks again anyhow asks once at a
 * time. Throws AgentUrlInvalid.
 */
export async function agentOf(task: Task, { attempts }: { attempts?: 1 } = {}): Promise<AgentClient | null> {
  const { agent_url, agent_secret_token } = task.node.driver_internal_info;
  if (typeof agent_url !== 'string' || agent_url === '') return null;
  const { agent } = task.settings;
  return new AgentClient({
    node: task.node.uuid,
    url: agent_url,
    token: typeof agent_secret_token === 'string' ? agent_secret_token : null,
    verify: agent_url.startsWith('https:') ? await trustOf(task.node, task.settings) : true,
    requireTls: agent.require_tls,
    timeoutSeconds: agent.command_timeout,
    attempts: attempts ?? agent.max_command_attempts,
    clock: task.clock,
    signal: task.signal,
    ...(task.agentExchange ? { exchange: task.agentExchange } : {}),
  });
}

/**
 * What the agent's certificate is checked against, best first: the certificate it sent with its heartbeat, what the
 * node names, what the settings name (spec agent-api.json#/ironic_side/agent_certificate).
 */
async function trustOf(node: NodeRecord, settings: Settings): Promise<boolean | { ca: string }> {
  const sent = node.driver_internal_info['agent_verify_ca'] ?? null;
  if (sent !== null) return { ca: checkSent(sent) };
  const said = node.driver_info['agent_verify_ca'] ?? settings.agent.verify_ca;
  const word = booleanWord(said);
  if (word !== null) return word;
  if (typeof said !== 'string')
    throw new InvalidParameterValue('agent_verify_ca is neither text nor a boolean.');
  if (isCertificate(said)) return { ca: said };
  try {
    return { ca: await readCertificates(said) };
  } catch (cause) {
    const text = `agent_verify_ca is ${said}, which is neither true, false nor a file of certificates that can be read.`;
    throw new InvalidParameterValue(text, { cause });
  }
}

/** Whoever holds a node's token names by it neither a file of this machine nor that nothing be verified. */
function checkSent(sent: unknown): string {
  if (typeof sent === 'string' && isCertificate(sent)) return sent;
  throw new InvalidParameterValue('The agent_verify_ca that the agent sent is no certificate.');
}

function isCertificate(text: string): boolean {
  return text.startsWith('-----BEGIN');
}

const mostCertificateBytes = 16 * 1024 * 1024;

/** Only a regular file that is not empty: a device or a pipe would be read without end. */
async function readCertificates(path: string): Promise<string> {
  const found = await stat(path);
  if (found.isFile() && found.size > 0 && found.size <= mostCertificateBytes)
    return await readFile(path, 'utf8');
  throw new Error('not a regular file, empty or too large');
}
