// `agent` inspection: the machine boots the agent, which sends what it found to /v1/continue_inspection.
import { lookup } from 'node:dns/promises';
import type { InspectInterface, InspectionResult, InspectionWait } from '../interfaces/inspect.ts';
import { isFastTrack } from '../fast-track.ts';
import { runHooks } from '../inspection-hooks.ts';
import type { StepTask, Task } from '../task.ts';
import { noAgent, noAgentToken } from '../agent-facts.ts';
import { bootAgent } from './agent-boot.ts';
import { inspectionKernelParameters } from './kernel-parameters.ts';

export const agentInspect: InspectInterface = {
  properties: {},

  async validate(task) {
    if (task.settings.inspector.require_managed_boot) await task.driver.boot.validate(task);
  },

  async inspect(task): Promise<InspectionWait> {
    const isFirst = task.memo['agent_boot'] === undefined;
    const ports = isFirst ? await portsKnownToBmc(task) : [];
    if (isFirst)
      await task.save({ driver_internal_info: { lookup_bmc_addresses: await bmcAddresses(task) } });
    const outcome = await bootAgent(task, {
      network: 'inspection',
      kernelParameters: (token) => inspectionKernelParameters(task, token),
      mayUseRunningAgent: false,
    });
    // Its heartbeats follow the data; what ends the wait is the data.
    const wait =
      outcome === 'there' || outcome.kind !== 'wait' ? ({ kind: 'wait', for: 'agent' } as const) : outcome;
    return ports.length > 0 ? { ...wait, ports } : wait;
  },

  async continueInspection(task, sent) {
    return runHooks(task, task.settings.inspector.hooks, sent);
  },

  finish: endInspection,
  abort: endInspection,
};

/** May be repeated. */
async function endInspection(task: Task): Promise<void> {
  const mustStayOn = task.node.disable_power_off;
  const powerOff = task.settings.inspector.power_off && !isFastTrack(task);
  if (powerOff && !mustStayOn) await task.setPower('power off');
  await task.driver.boot.cleanUpRamdisk(task);
  // The agent that is known is the one to end: whoever repeats this finds it forgotten.
  if (powerOff && mustStayOn && 'agent_secret_token' in task.node.driver_internal_info)
    await task.setPower('rebooting');
  await task.driver.network.detach(task, 'inspection');
  const forgotten = powerOff ? { ...noAgent, ...noAgentToken } : {};
  await task.save({ driver_internal_info: { ...forgotten, lookup_bmc_addresses: null } });
}

async function portsKnownToBmc(task: StepTask): Promise<InspectionResult['ports']> {
  if (!task.settings.inspector.pre_create_ports || task.ports.length > 0) return [];
  try {
    const addresses = (await task.driver.management.getMacAddresses?.(task)) ?? [];
    return addresses.map((address) => ({ address: address.toLowerCase(), pxe_enabled: true }));
  } catch (error) {
    task.signal.throwIfAborted();
    // The agent may be recognised by the address of its BMC as well.
    task.log.warn({ err: error }, 'The BMC does not tell its MAC addresses');
    return [];
  }
}

/** A BMC has one address or two by name; more names are no reason to keep everybody's lookups waiting. */
const mostAddresses = 8;

/** By which an agent that says which BMC it has is recognised. A loopback address would fit every one. */
async function bmcAddresses({ node, log }: Task): Promise<string[]> {
  const given = Object.entries(node.driver_info).filter(([key]) => key.endsWith('_address'));
  const hosts = given.flatMap(([, value]) => (typeof value === 'string' ? hostOf(value) : []));
  const found = await Promise.all(
    hosts.slice(0, mostAddresses).map(async (host) => {
      try {
        return (await lookup(host, { all: true })).map(({ address }) => address);
      } catch (error) {
        log.debug({ err: error }, 'The name of a BMC has no address');
        return [];
      }
    }),
  );
  return [...new Set(found.flat())].filter((address) => address !== '::1' && !address.startsWith('127.'));
}

function hostOf(address: string): string[] {
  const url = URL.parse(address.includes('://') ? address : `https://${address}`);
  return url?.hostname ? [url.hostname.replace(/^\[|\]$/g, '')] : [];
}
