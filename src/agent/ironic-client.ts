// The agent's side of the Bare Metal API: lookup and heartbeat.
import type { Clock } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { agentMicroversions } from '#protocol/agent-commands.ts';
import type { AgentNode, HeartbeatRequest, LookupAnswer } from '#protocol/agent-commands.ts';
import { LookupFailed } from './faults.ts';
import { displayUrl, request } from './http-client.ts';
import type { Answer } from './http-client.ts';
import type { Log } from './log.ts';
import type { AgentParameters } from './parameters.ts';

export interface IronicClient {
  /**
   * The node with these MAC addresses. Asks until the answer comes or ipa-lookup-timeout is over.
   * `localAddress` is ours, as the API sees it.
   * @throws LookupFailed
   */
  lookup(macs: string[], signal: AbortSignal): Promise<{ answer: LookupAnswer; localAddress: string | null }>;
  /** Sends one heartbeat. @throws an Error that says why the API did not take it. */
  heartbeat(nodeUuid: string, body: HeartbeatRequest, signal: AbortSignal): Promise<void>;
}

interface Parts {
  apiUrls: string[];
  parameters: AgentParameters;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Seconds to wait after the first, second and later conflicts: the node is locked, and that ends (IPA). */
const conflictPauses = [5, 10, 30];
const longestPauseSeconds = 30;

/** A client of the API at the first of these URLs that answers. */
export function createIronicClient({ apiUrls, parameters, clock, random, log }: Parts): IronicClient {
  let api: { url: string; version: string } | null = null;
  const common = {
    ...(parameters.globalRequestId !== null && { 'X-OpenStack-Request-Id': parameters.globalRequestId }),
    Accept: 'application/json',
  };
  const settings = { timeoutSeconds: parameters.httpRequestTimeout, insecure: parameters.insecure };

  async function discover(signal: AbortSignal) {
    let failure: unknown;
    for (const each of apiUrls) {
      const url = each.replace(/\/+(v1\/*)?$/, '');
      try {
        const { status, bytes } = await request(`${url}/`, { ...settings, headers: common, signal });
        if (status !== 200) throw new Error(`${displayUrl(url)} answers ${status}`);
        return { url, version: defaultVersion(bytes) };
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }

  async function call(
    method: 'GET' | 'POST',
    path: string,
    newest: string,
    signal: AbortSignal,
    body?: HeartbeatRequest,
  ): Promise<Answer> {
    api ??= await discover(signal);
    const headers = {
      ...common,
      'X-OpenStack-Ironic-API-Version': olderVersion(api.version, newest),
      ...(body && { 'Content-Type': 'application/json' }),
    };
    try {
      return await request(api.url + path, {
        ...settings,
        method,
        headers,
        signal,
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      api = null; // another of the URLs may answer by now, or this one with another version
      throw error;
    }
  }

  return {
    async lookup(macs, signal) {
      const deadline = clock.now() + parameters.lookupTimeout * 1000;
      const path = `/v1/lookup?addresses=${encodeURIComponent(macs.join(','))}`;
      let conflicts = 0;
      for (let attempt = 0; ; attempt++) {
        let reason: string;
        try {
          const { status, bytes, localAddress } = await call('GET', path, agentMicroversions.lookup, signal);
          if (status === 200) return { answer: parseLookup(bytes), localAddress };
          reason = `the API answers ${status}: ${faultText(bytes)}`;
          if (status === 409) conflicts += 1;
        } catch (error) {
          signal.throwIfAborted();
          reason = messageOf(error);
        }
        if (clock.now() >= deadline)
          throw new LookupFailed(
            `No node was found for ${macs.join(', ')} within ${parameters.lookupTimeout} s; last: ${reason}`,
          );
        log.warning(`lookup, attempt ${attempt + 1}: ${reason}`);
        const pause =
          conflicts > 0
            ? (conflictPauses[Math.min(conflicts, conflictPauses.length) - 1] ?? longestPauseSeconds)
            : Math.min(
                longestPauseSeconds,
                parameters.lookupInterval * 2 ** Math.min(attempt, 10) * (0.5 + random()),
              );
        await clock.sleep(Math.min(pause * 1000, Math.max(0, deadline - clock.now())), signal);
      }
    },
    async heartbeat(nodeUuid, body, signal) {
      const path = `/v1/heartbeat/${encodeURIComponent(nodeUuid)}`;
      const { status, bytes } = await call('POST', path, agentMicroversions.heartbeat, signal, body);
      if (status !== 202) throw new Error(`the API answers ${status}: ${faultText(bytes)}`);
    },
  };
}

/** The newest version the API speaks; what every API of our time speaks when it does not say. */
function defaultVersion(bytes: Buffer): string {
  const root = parseJson(bytes) as { default_version?: { version?: unknown } } | null; // looked at with care below
  const version = root?.default_version?.version;
  return typeof version === 'string' && /^1\.\d+$/.test(version) ? version : agentMicroversions.minimum;
}

function olderVersion(a: string, b: string): string {
  const minor = (version: string) => Number(version.split('.')[1]);
  return minor(a) < minor(b) ? a : b;
}

function parseLookup(bytes: Buffer): LookupAnswer {
  const answer = parseJson(bytes) as Partial<LookupAnswer> | null; // looked at with care below
  const { node, config } = answer ?? {};
  if (typeof node?.uuid !== 'string' || typeof config?.heartbeat_timeout !== 'number')
    throw new Error("the API's answer to the lookup has no node or no heartbeat_timeout");
  const { uuid, properties, instance_info, driver_internal_info } = node as Partial<AgentNode> & {
    uuid: string;
  };
  return {
    node: {
      uuid,
      properties: properties ?? {},
      instance_info: instance_info ?? {},
      driver_internal_info: driver_internal_info ?? {},
    },
    config,
  };
}

/** What an error in Ironic's form says, which holds JSON in a text of its JSON. */
function faultText(bytes: Buffer): string {
  const outer = parseJson(bytes) as { error_message?: unknown; faultstring?: unknown } | null; // checked below
  const inner =
    typeof outer?.error_message === 'string' ? parseJson(outer.error_message) : outer?.error_message;
  const text =
    typeof inner === 'object' && inner !== null && 'faultstring' in inner
      ? inner.faultstring
      : outer?.faultstring;
  return typeof text === 'string' ? text.slice(0, 500) : 'no reason given';
}

function parseJson(text: Buffer | string): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return null; // a proxy's page, or nothing
  }
}
