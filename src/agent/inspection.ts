// In-band inspection: collects what the machine is and posts it.
// Ensures: the API has the inventory, or the log says why not; the agent goes on either way.
// When: at start, if ipa-inspection-callback-url is given.
import { messageOf } from '#model/message.ts';
import type { AgentContext } from './agent-context.ts';
import type { InspectionPayload, Inventory, InventoryDisk } from '#protocol/agent-commands.ts';
import { collectLogs } from './commands.ts';
import { InspectionFailed } from './faults.ts';
import { displayUrl, request } from './http-client.ts';
import { chooseRootDisk } from './root-device.ts';
import { managerVersions } from './steps.ts';

type Collected = Partial<InspectionPayload>;
type Collector = (context: AgentContext) => Promise<Collected>;

/** By the names of ipa-inspection-collectors. */
const collectors: Record<string, Collector> = {
  async default({ hardware, parameters }) {
    const inventory = await hardware.inventory();
    return {
      inventory,
      root_disk: rootDiskOf(inventory),
      boot_interface: inventory.boot.pxe_interface,
      configuration: {
        collectors: parameters.inspectionCollectors ?? [],
        managers: Object.entries(managerVersions).map(([name, version]) => ({ name, version })),
      },
    };
  },
  logs: async (context) => ({ logs: await collectLogs(context) }),
  'pci-devices': async ({ hardware }) => ({ pci_devices: (await hardware.pciDevices?.()) ?? [] }),
};

const attempts = 5;
/** The longest pause between two attempts, as a multiple of the first: 5 and 30 s in ironic-python-agent. */
const longestPause = 6;

/**
 * Collects and posts. A collector that fails is named in the payload's `error`; the rest is still sent.
 * @throws InspectionFailed when the API refused the data, or could not be reached often enough.
 */
export async function inspect(context: AgentContext, callbackUrl: string): Promise<void> {
  const { parameters, clock, log, signal } = context;
  const body = JSON.stringify(await collect(context));
  for (let attempt = 1; ; attempt++) {
    const failure = await post(context, callbackUrl, body);
    if (failure === null) break;
    signal.throwIfAborted();
    if (attempt === attempts)
      throw new InspectionFailed(
        `Inspection data could not be posted to ${displayUrl(callbackUrl)}: ${failure}`,
      );
    log.warning(`posting inspection data, attempt ${attempt}: ${failure}`);
    const pause = parameters.inspectionRetryInterval * Math.min(2 ** (attempt - 1), longestPause);
    await clock.sleep(pause * 1000, signal);
  }
  log.info('inspection data has been taken by the API');
}

async function collect(context: AgentContext): Promise<Collected> {
  const failures: string[] = [];
  const collected: Collected = {};
  for (const name of context.parameters.inspectionCollectors ?? []) {
    try {
      if (!Object.hasOwn(collectors, name)) throw new Error('this agent has no such collector');
      Object.assign(collected, await collectors[name]?.(context));
    } catch (error) {
      failures.push(`collector ${name} failed: ${messageOf(error)}`);
    }
  }
  for (const failure of failures) context.log.error(failure);
  return { ...collected, error: failures.length > 0 ? failures.join('; ') : null };
}

/** Null when the data was taken, else why it must be sent again. @throws InspectionFailed when it was refused. */
async function post({ parameters, signal }: AgentContext, url: string, body: string): Promise<string | null> {
  try {
    const { status } = await request(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body,
      timeoutSeconds: parameters.httpRequestTimeout,
      insecure: parameters.insecure,
      signal,
    });
    if (status < 400) return null;
    if (status === 409 || status >= 500) return `the API answers ${status}`;
    throw new InspectionFailed(`The API refused the inspection data with status ${status}`);
  } catch (error) {
    if (error instanceof InspectionFailed) throw error;
    return messageOf(error);
  }
}

/** The disk an image would go to by default: at inspection no hints are known. */
function rootDiskOf({ disks }: Inventory): InventoryDisk | null {
  try {
    return chooseRootDisk(disks, null);
  } catch {
    return null; // none is large enough: what the payload says is that there is none
  }
}
