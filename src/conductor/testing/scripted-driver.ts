// A driver that does what a test says, and remembers what it was asked to do.
import type { DriverPackage } from '#drivers/define.ts';
import type { InterfaceContract } from '#drivers/interfaces/contract.ts';
import { defineStep, done, type OfferedStep, type StepDefinition, type StepOutcome } from '#drivers/steps.ts';
import type { StepTask, Task } from '#drivers/task.ts';
import type { PowerState } from '#model/power-states.ts';

/** What a scripted call does: ends, throws, or whatever the function does first. */
export type Behaviour = StepOutcome | Error | ((task: StepTask) => Promise<StepOutcome>);

export interface Call {
  readonly name: string;
  readonly node: string;
  readonly attempt: number;
}

/** Hangs until the conductor stops. */
export async function hang({ signal }: Task): Promise<never> {
  await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  throw new Error('unreachable: the wait above only rejects');
}

/** Comes to its agent: the conductor that handed out the token hears of it. */
export const agentToken = 'token-of-the-test';
export const agentIsKnown = {
  driver_internal_info: { agent_secret_token: agentToken, agent_secret_token_pregenerated: true },
};

export class ScriptedDriver {
  readonly calls: Call[] = [];
  /** What the machine's BMC says; a node without an entry is off. */
  readonly power = new Map<string, PowerState>();
  /** When each machine last began anew, as its BMC says; nothing where it does not say. */
  readonly lastReset = new Map<string, string>();
  /** Thrown by whoever asks for the power state. */
  bmcError: Error | null = null;
  /** What happens elsewhere while a BMC is asked for the power state. */
  whileAsked: () => Promise<void> = async () => {};
  agentSteps: OfferedStep[] = [];
  readonly #script = new Map<string, Behaviour[]>();
  readonly #always = new Map<string, Behaviour>();

  /** What the next calls of that name do, in turn; afterwards they are done at once again. */
  next(name: string, ...behaviours: Behaviour[]): void {
    this.#script.set(name, [...(this.#script.get(name) ?? []), ...behaviours]);
  }

  /** What every call of that name does. */
  always(name: string, behaviour: Behaviour): void {
    this.#always.set(name, behaviour);
  }

  callsOf(name: string): Call[] {
    return this.calls.filter((call) => call.name === name);
  }

  async #act(name: string, task: Task | StepTask): Promise<StepOutcome> {
    const attempt = 'attempt' in task ? task.attempt : 1;
    this.calls.push({ name, node: task.node.uuid, attempt });
    const behaviour = this.#script.get(name)?.shift() ?? this.#always.get(name) ?? done;
    if (behaviour instanceof Error) throw behaviour;
    // Behaviours of calls that are no steps look only at what every task has.
    return typeof behaviour === 'function' ? await behaviour(task as StepTask) : behaviour;
  }

  package(): DriverPackage {
    const contract: InterfaceContract = { properties: {}, validate: async () => {} };
    const step = (definition: Omit<StepDefinition, 'run'>): StepDefinition =>
      defineStep({ ...definition, run: async (task) => await this.#act(definition.step, task) });
    return {
      hardwareTypes: [],
      implementations: {
        power: {
          scripted: {
            ...contract,
            getPowerState: async ({ node }) => {
              if (this.bmcError) throw this.bmcError;
              await this.whileAsked();
              return this.power.get(node.uuid) ?? 'power off';
            },
            lastReset: async ({ node }) => this.lastReset.get(node.uuid) ?? null,
            supportedTargets: async () => ['soft rebooting', 'soft power off'],
            setPowerState: async (task, target) => {
              await this.#act(target, task);
              this.power.set(task.node.uuid, target.endsWith('off') ? 'power off' : 'power on');
            },
          },
        },
        boot: {
          scripted: {
            ...contract,
            prepareRamdisk: async (task) => void (await this.#act('prepareRamdisk', task)),
            cleanUpRamdisk: async (task) => void (await this.#act('cleanUpRamdisk', task)),
            prepareInstance: async (task) => void (await this.#act('prepareInstance', task)),
            cleanUpInstance: async (task) => void (await this.#act('cleanUpInstance', task)),
            isRamdiskPrepared: async () => true,
          },
        },
        deploy: {
          scripted: {
            ...contract,
            prepare: async (task) => await this.#act('prepare', task),
            prepareAgent: async (task) => await this.#act('prepareAgent', task),
            tearDownAgent: async (task) => await this.#act('tearDownAgent', task),
            tearDown: async (task) => await this.#act('tearDown', task),
            cleanUp: async (task) => void (await this.#act('cleanUp', task)),
            takeOver: async (task) => void (await this.#act('takeOver', task)),
            agentSteps: async () => this.agentSteps,
            runAgentStep: async (task, { step }) => await this.#act(`agent ${step}`, task),
            rebootAgent: async (task) => await this.#act('rebootAgent', task),
            steps: [
              step({ step: 'deploy', flows: { deploy: 100 }, abortable: true }),
              step({ step: 'write', flows: { deploy: 80 } }),
              step({ step: 'burn_fuse', flows: { deploy: 0, clean: 0 }, mayRepeat: false }),
              step({ step: 'erase', flows: { clean: 20 }, abortable: true }),
              step({ step: 'scrub', flows: { clean: 10 } }),
            ],
          },
        },
        inspect: {
          scripted: {
            ...contract,
            inspect: async (task) => {
              const outcome = await this.#act('inspect', task);
              return outcome.kind === 'wait'
                ? outcome
                : { changes: {}, ports: [], inventory: { of: 'the test' }, pluginData: null };
            },
            abort: async (task) => void (await this.#act('abort', task)),
          },
        },
        rescue: {
          scripted: {
            ...contract,
            rescue: async (task) => await this.#act('rescue', task),
            unrescue: async (task) => await this.#act('unrescue', task),
            cleanUp: async (task) => void (await this.#act('cleanUpRescue', task)),
          },
        },
      },
    };
  }
}

/** A step as an agent offers it. */
export function anAgentStep(step: string, priority: number, abortable = false): OfferedStep {
  return { interface: 'deploy', step, args: {}, priority, abortable, origin: 'agent', takes: {} };
}
