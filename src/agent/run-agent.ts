// The life of an agent: inspect, look its node up, serve commands, send heartbeats, end as it is told.
import type { Clock } from '#model/clock.ts';
import { agentVersion, maskedToken } from '#protocol/agent-commands.ts';
import type { LookupConfig } from '#protocol/agent-commands.ts';
import type { AgentContext, AgentEnd } from './agent-context.ts';
import { serveApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { createCommandRunner } from './command-runner.ts';
import { InspectionFailed, LookupFailed, TokenUnknown } from './faults.ts';
import type { Hardware } from './hardware.ts';
import { createHeartbeater } from './heartbeater.ts';
import type { Heartbeater } from './heartbeater.ts';
import { inspect } from './inspection.ts';
import { createIronicClient } from './ironic-client.ts';
import type { Log } from './log.ts';
import { usableToken } from './parameters.ts';
import type { AgentParameters } from './parameters.ts';

export interface AgentParts {
  parameters: AgentParameters;
  hardware: Hardware;
  log: Log;
  clock: Clock;
  random?: () => number;
  /** Aborted when the process is to stop. */
  signal: AbortSignal;
}

/**
 * Runs an agent until a command or the signal ends it; resolves with which. The machine itself is then still to be
 * ended by whoever called.
 * @throws LookupFailed, TokenUnknown: it has no node to work for.
 */
export async function runAgent(parts: AgentParts): Promise<AgentEnd> {
  const { parameters, hardware, log, clock, signal: stop } = parts;
  const startedAtSeconds = clock.now() / 1000;
  const ended = new AbortController();
  const signal = AbortSignal.any([stop, ended.signal]);
  let end: AgentEnd = 'stopped';
  const context: AgentContext = {
    hardware,
    parameters,
    log,
    clock,
    random: parts.random ?? Math.random,
    signal,
    knowledge: { node: null, allowMd5: false, partitionUuids: {} },
    finish(how) {
      end = how;
      ended.abort();
    },
  };
  try {
    await startUp(context);
    const found = parameters.apiUrls === null ? null : await findNode(context, parameters.apiUrls);
    let heartbeater: Heartbeater | null = null;
    const runner = createCommandRunner(context, () => heartbeater?.force());
    await using server = await serveApi({
      host: parameters.listenHost ?? hardware.listen.host,
      port: parameters.listenPort ?? hardware.listen.port,
      runner,
      token: () => found?.token ?? parameters.agentToken,
      startedAtSeconds,
      log,
    });
    log.info(`serving commands on port ${server.port}`);
    heartbeater = found && heartbeaterFor(context, found, server);
    await (heartbeater?.run(signal) ?? untilAborted(signal));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  log.info(`the agent ends: ${end}`);
  return end;
}

interface FoundNode {
  uuid: string;
  token: string;
  heartbeatTimeoutSeconds: number;
  client: ReturnType<typeof createIronicClient>;
  /** Ours, to be reached at: of the interface that the parameters name, else the one the API saw. */
  address: string | null;
}

async function startUp(context: AgentContext) {
  const { parameters, hardware, log, clock, signal } = context;
  await clock.sleep(parameters.hardwareInitializationDelay * 1000, signal);
  for (let attempt = 1; attempt < parameters.diskWaitAttempts; attempt++) {
    if ((await hardware.disks()).length > 0) break;
    log.info(`no disk is seen yet, attempt ${attempt}`);
    await clock.sleep(parameters.diskWaitDelay * 1000, signal);
  }
  if (parameters.inspectionCallbackUrl === null) return;
  try {
    await inspect(context, parameters.inspectionCallbackUrl);
  } catch (error) {
    // A machine that could not be inspected may still be deployed to: the lookup decides.
    if (!(error instanceof InspectionFailed)) throw error;
    log.error('inspection failed', error);
  }
}

async function findNode(context: AgentContext, apiUrls: string[]): Promise<FoundNode> {
  const { parameters, hardware, log, clock, random, signal, knowledge } = context;
  const client = createIronicClient({ apiUrls, parameters, clock, random, log });
  const { interfaces } = await hardware.inventory();
  const macs = interfaces.map(({ mac_address: mac }) => mac);
  if (macs.length === 0) throw new LookupFailed('This machine has no network interface with a MAC address');
  const { answer, localAddress } = await client.lookup(macs, signal);
  const { node, config } = answer;
  knowledge.node = node;
  knowledge.allowMd5 = config.agent_md5_checksum_enable === true;
  log.info(`this machine is node ${node.uuid}`);
  const token = chooseToken(parameters.agentToken, config);
  const named = interfaces.find(({ name }) => name === parameters.networkInterface);
  const address = named?.ipv4_address ?? named?.ipv6_address ?? localAddress;
  return { uuid: node.uuid, token, heartbeatTimeoutSeconds: config.heartbeat_timeout, client, address };
}

/** The token that came with the boot medium, or the one the lookup has just made. @throws TokenUnknown */
function chooseToken(pregenerated: string | null, config: LookupConfig): string {
  if (pregenerated !== null) return pregenerated;
  const token = usableToken(config.agent_token);
  if (token === null || token === maskedToken) throw new TokenUnknown();
  return token;
}

function heartbeaterFor(context: AgentContext, found: FoundNode, server: ApiServer): Heartbeater {
  const { parameters, clock, random, log } = context;
  const body = {
    callback_url: callbackUrl(context, found, server),
    agent_version: agentVersion,
    agent_token: found.token,
  };
  return createHeartbeater({
    send: (signal) => found.client.heartbeat(found.uuid, body, signal),
    timeoutSeconds: found.heartbeatTimeoutSeconds,
    minGapSeconds: parameters.heartbeatMinGap,
    clock,
    random,
    log,
  });
}

/** Where the conductor reaches us: as told, else at the address we listen on, else at the one the API saw. */
function callbackUrl(
  { parameters, hardware }: AgentContext,
  { address }: FoundNode,
  { port }: ApiServer,
): string {
  const listening = parameters.listenHost ?? hardware.listen.host;
  const isAny = listening === '::' || listening === '0.0.0.0';
  const host = parameters.advertiseHost ?? (isAny ? (address ?? 'localhost') : listening);
  const plain = host.replace(/^::ffff:(?=\d+\.)/, '');
  const shown = plain.includes(':') ? `[${plain}]` : plain;
  return `${parameters.advertiseProtocol}://${shown}:${parameters.advertisePort ?? port}`;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}
