import { Fault } from '#model/fault.ts';
import { readInventory, type StoredInventory } from '#db/inventory.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { InventoryDisk } from '#protocol/agent-commands.ts';
import { checkInstanceTraits, validateInterfaces } from '#drivers/validate.ts';
import type { Task } from '#drivers/task.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { OperationInput, OperationStep } from '#protocol/operation.ts';
import type {
  PlannedStep,
  PreflightCheck,
  PreflightFinding,
  PreflightReport,
  PreflightTrial,
} from '#protocol/preflight.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { driverSteps, enabledSteps, sortSteps } from '../flows/flow.ts';
import { flows } from '../flows/all.ts';
import type { ConductorParts } from '../parts.ts';
import { readingTask } from '../task.ts';

/** So many nodes are looked at at once by one conductor; more are told to come again. */
const mostAtOnce = 8;
/** One look may take so long. The caller waits for the slowest. */
const lookSeconds = 20;

type Look = (task: Task, disks: readonly InventoryDisk[] | null) => Promise<PreflightFinding[]>;

/** What is looked at, each by itself and all at once. A look that throws has failed, for the reason thrown. */
const looks: Readonly<Record<string, Look>> = {
  interfaces,
  credentials,
  boot: async (task) => (await task.driver.boot.preflight?.(task)) ?? [notApplicable('boot path', 'boot')],
  image: async (task, disks) =>
    (await task.driver.deploy.preflight?.(task, disks)) ?? [notApplicable('image', 'deploy')],
  traits: async ({ node }) => {
    checkInstanceTraits(node);
    return [{ name: 'traits', result: 'ok', reason: 'The node has every trait that the instance asks for.' }];
  },
  capabilities: async ({ node }) => [capabilities(node)],
};

/**
 * Looks at whether a deployment of the node would begin well. Takes no lock, changes nothing, and does not touch the
 * machine but for asking its BMC. Throws NodeNotFound; TemporaryFailure when too many are looked at.
 */
export class Preflight {
  readonly #parts: ConductorParts;
  #atWork = 0;

  constructor(parts: ConductorParts) {
    this.#parts = parts;
  }

  async of(
    uuid: string,
    trial: PreflightTrial,
    signal: AbortSignal,
    context: RequestContext,
  ): Promise<PreflightReport> {
    if (this.#atWork >= mostAtOnce)
      throw new TemporaryFailure(
        `This conductor looks at ${mostAtOnce} nodes already; ask again in a moment`,
      );
    this.#atWork += 1;
    try {
      return await this.#look(uuid, trial, signal, context);
    } finally {
      this.#atWork -= 1;
    }
  }

  async #look(
    uuid: string,
    trial: PreflightTrial,
    signal: AbortSignal,
    context: RequestContext,
  ): Promise<PreflightReport> {
    const parts = this.#parts;
    const limit = new AbortController();
    const enough = AbortSignal.any([signal, limit.signal]);
    const stored = await readingTask(parts, uuid, enough, context);
    const disks = disksIn(await readInventory(parts.store.read, uuid));
    const instance_info = { ...stored.node.instance_info, ...trial.instanceInfo };
    const task: Task = { ...stored, node: { ...stored.node, instance_info } };
    const timer = parts.clock.sleep(lookSeconds * 1000, enough).then(
      () => limit.abort(new Error(`it took longer than ${lookSeconds} s`)),
      () => {},
    );
    const checks = await Promise.all(
      Object.entries(looks).map(async ([name, look]) => await this.#timed(name, look(task, disks))),
    );
    const plans = this.#plans(task, trial);
    limit.abort();
    await timer;
    return { checks: [...checks.flat(), ...plans.checks], plans: plans.plans };
  }

  async #timed(name: string, look: Promise<PreflightFinding[]>): Promise<PreflightCheck[]> {
    const begun = this.#parts.clock.now();
    const findings = await look.catch((error: unknown): PreflightFinding[] => [
      { name, result: 'failed', reason: messageOf(error) },
    ]);
    const seconds = (this.#parts.clock.now() - begun) / 1000;
    return findings.map((finding) => ({ ...finding, seconds }));
  }

  #plans({ node, driver }: Task, { deploySteps }: PreflightTrial): Pick<PreflightReport, 'checks' | 'plans'> {
    const { settings } = this.#parts;
    const input: OperationInput = deploySteps === null ? {} : { steps: deploySteps };
    const overrides = settings.conductor.clean_step_priority_override;
    try {
      const deploy = flows.deploy.plan({ node, driver, settings, input });
      const clean = sortSteps('clean', enabledSteps(driverSteps(driver, 'clean'), overrides));
      const reason = 'Every step is known, or is left for the agent to know.';
      return {
        checks: [{ name: 'steps', result: 'ok', reason, seconds: 0 }],
        plans: { deploy: deploy.map(planned), clean: clean.map(planned) },
      };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return {
        checks: [{ name: 'steps', result: 'failed', reason: error.message, seconds: 0 }],
        plans: { deploy: [], clean: [] },
      };
    }
  }
}

/** Agents of every make filled it in: what has neither a name nor a size is no disk to choose. */
function disksIn(found: StoredInventory | undefined): readonly InventoryDisk[] | null {
  const disks: unknown = found?.inventory['disks'];
  if (!Array.isArray(disks)) return null;
  return disks.filter(
    (disk: unknown): disk is InventoryDisk =>
      isJsonObject(disk) && typeof disk['name'] === 'string' && typeof disk['size'] === 'number',
  );
}

/** Those that a deployment uses. Others may refuse everything, and are in nobody's way. */
const needed: readonly string[] = ['power', 'management', 'boot', 'deploy', 'network', 'storage'];

async function interfaces(task: Task): Promise<PreflightFinding[]> {
  const verdicts = Object.entries(await validateInterfaces(task.driver, task));
  return verdicts
    .filter(([type]) => needed.includes(type))
    .map(([type, { result, reason = '' }]): PreflightFinding => {
      const name = `${type} interface`;
      return result
        ? { name, result: 'ok', reason: 'The node has what it needs.' }
        : { name, result: 'failed', reason };
    });
}

async function credentials(task: Task): Promise<PreflightFinding[]> {
  const state = await task.driver.power.getPowerState(task);
  if (state === null)
    return [
      { name: 'credentials', result: 'not applicable', reason: 'There is no BMC that would know them.' },
    ];
  return [{ name: 'credentials', result: 'ok', reason: `The BMC was asked, and says '${state}'.` }];
}

/** What an instance asks for under `capabilities` must be what the node says of itself, as far as it says anything. */
function capabilities({ instance_info, properties }: NodeRecord): PreflightFinding {
  const name = 'capabilities';
  const wanted = capabilitiesOf(instance_info['capabilities']);
  const has = capabilitiesOf(properties['capabilities']);
  const wrong = [...wanted].filter(([key, value]) => has.has(key) && has.get(key) !== value);
  if (wrong.length === 0)
    return {
      name,
      result: wanted.size === 0 ? 'not applicable' : 'ok',
      reason:
        wanted.size === 0
          ? 'The instance asks for none.'
          : 'The node has all that the instance asks for, or says nothing of them.',
    };
  const told = wrong.map(([key, value]) => `${key} is to be ${value} and is ${has.get(key)}`).join('; ');
  return { name, result: 'failed', reason: `${told}.` };
}

function capabilitiesOf(given: unknown): Map<string, string> {
  if (typeof given === 'string')
    return new Map(
      given.split(',').flatMap((pair): [string, string][] => {
        const [key, value] = pair.split(':').map((part) => part.trim());
        return key && value !== undefined ? [[key, value]] : [];
      }),
    );
  if (typeof given !== 'object' || given === null) return new Map();
  return new Map(Object.entries(given).map(([key, value]) => [key, String(value)]));
}

function planned({ interface: type, step, priority, origin }: OperationStep): PlannedStep {
  return { interface: type, step, priority, origin };
}

function notApplicable(name: string, type: string): PreflightFinding {
  return { name, result: 'not applicable', reason: `The node's ${type} interface has nothing to look at.` };
}
