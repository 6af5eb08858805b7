// The power state machine of every simulated machine: what a Reset asks for, how long it takes, what boots afterwards.
import { machineExit } from '#protocol/machine-file.ts';
import type { Clock } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { takeMachineFault } from './faults.ts';
import { recordAction } from './action-record.ts';
import type { ActionResult } from './machine-log.ts';
import { logOf, type BootState, type Machine, type MachineKind, type PowerState } from './machine.ts';

export interface Timings {
  powerOnMs: number;
  powerOffMs: number;
  /** From power, or a restart, until the firmware chooses a boot device. */
  postMs: number;
  /** How long what runs may take to shut itself down before power is cut. */
  gracefulMs: number;
}
export const defaultTimings: Timings = { powerOnMs: 400, powerOffMs: 300, postMs: 300, gracefulMs: 1000 };

export type BootDevice =
  | { kind: 'disk' }
  | { kind: 'network' }
  | { kind: 'iso'; url: string; verifyCertificate: boolean; through: 'Cd' | 'Usb' | 'UefiHttp' };

export type BootOutcome = { kind: 'started'; state: 'agent' | 'os' } | { kind: 'failed'; reason: string };

/** What a machine of one kind can run. */
export interface Payload {
  /** Starts what the device holds. `onExit` is told when it ends by itself. Ends early when the signal is aborted. */
  start(machine: Machine, device: BootDevice, signal: AbortSignal, onExit: OnExit): Promise<BootOutcome>;
  /** Power is gone. Resolves when nothing runs any more; may be repeated. */
  kill(machine: Machine, because: string): Promise<void>;
  /** Asks what runs to end, and kills it when that takes longer than the limit. */
  shutDown(machine: Machine, limitMs: number, signal: AbortSignal): Promise<void>;
}
type OnExit = (status: number | null) => void;

export const resetTypes = [
  'On',
  'ForceOff',
  'GracefulShutdown',
  'GracefulRestart',
  'ForceRestart',
  'ForceOn',
  'Nmi',
  'PushPowerButton',
  'PowerCycle',
] as const;
export type ResetType = (typeof resetTypes)[number];

type Effect =
  | 'nothing'
  | 'refuse'
  | 'power on'
  | 'cut'
  | 'shut down'
  | 'restart'
  | 'restart softly'
  | 'cycle';

/** By reset type: what it does to a machine that is off, and to one that is on. */
const effects: Record<ResetType, { off: Effect; on: Effect }> = {
  On: { off: 'power on', on: 'nothing' },
  ForceOn: { off: 'power on', on: 'nothing' },
  ForceOff: { off: 'nothing', on: 'cut' },
  GracefulShutdown: { off: 'nothing', on: 'shut down' },
  GracefulRestart: { off: 'refuse', on: 'restart softly' },
  ForceRestart: { off: 'refuse', on: 'restart' },
  PowerCycle: { off: 'refuse', on: 'cycle' },
  Nmi: { off: 'refuse', on: 'nothing' },
  PushPowerButton: { off: 'power on', on: 'shut down' },
};

interface PowerControlOptions {
  clock: Clock;
  timings: Timings;
  payloads: Record<MachineKind, Payload>;
}

export class PowerControl {
  readonly #clock: Clock;
  readonly #timings: Timings;
  readonly #payloads: Record<MachineKind, Payload>;
  readonly #running = new Set<Promise<void>>();

  constructor(options: PowerControlOptions) {
    this.#clock = options.clock;
    this.#timings = options.timings;
    this.#payloads = options.payloads;
  }

  /** Begins what the reset type means for the machine as it is now, records it, and returns at once. */
  reset(machine: Machine, type: ResetType): ActionResult {
    const effect = effectOn(machine, type);
    const result = this.#resultOf(machine, type, effect);
    recordAction(machine, this.#clock.now(), 'ComputerSystem.Reset', { ResetType: type }, result);
    if (result === 'done' && effect !== 'nothing' && effect !== 'refuse') this.#begin(machine, effect, type);
    return result;
  }

  /** Takes power away from a machine that is being removed, and waits until nothing runs on it. */
  async unplug(machine: Machine): Promise<void> {
    machine.transition?.abort();
    await this.#payloads[machine.kind].kill(machine, 'the machine was unplugged');
    machine.power = 'Off';
    machine.boot = 'off';
  }

  /** Resolves when no transition is under way any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  #resultOf(machine: Machine, type: ResetType, effect: Effect): ActionResult {
    if (effect === 'refuse') return 'refused';
    if (effect === 'nothing') return type === 'Nmi' ? 'done' : 'no-change';
    if (takeMachineFault(machine, 'power-stuck')) return 'stuck';
    const asksWhatRuns = effect === 'shut down' || effect === 'restart softly';
    return asksWhatRuns && machine.boot !== 'agent' && machine.boot !== 'os' ? 'unheard' : 'done';
  }

  #begin(machine: Machine, effect: Exclude<Effect, 'nothing' | 'refuse'>, because: string): void {
    this.#transit(machine, async (signal) => {
      switch (effect) {
        case 'power on':
          return this.#powerOn(machine, because, signal);
        case 'cut':
          return this.#powerOff(machine, because, signal);
        case 'shut down':
          await this.#payloads[machine.kind].shutDown(machine, this.#timings.gracefulMs, signal);
          return this.#powerOff(machine, because, signal);
        case 'restart':
          await this.#payloads[machine.kind].kill(machine, because);
          return this.#boot(machine, signal);
        case 'restart softly':
          await this.#payloads[machine.kind].shutDown(machine, this.#timings.gracefulMs, signal);
          return this.#boot(machine, signal);
        case 'cycle':
          await this.#powerOff(machine, because, signal);
          return this.#powerOn(machine, because, signal);
      }
    });
  }

  /** Runs a transition in the background; the one it overrules ends at its next wait. */
  #transit(machine: Machine, transition: (signal: AbortSignal) => Promise<void>): void {
    machine.transition?.abort();
    const controller = new AbortController();
    machine.transition = controller;
    const run = async (): Promise<void> => {
      try {
        await transition(controller.signal);
      } catch (error) {
        if (!controller.signal.aborted)
          logOf(machine).add(this.#clock.now(), {
            kind: 'fault',
            fault: 'sim',
            reason: `A power transition failed: ${messageOf(error)}`,
          });
      } finally {
        if (machine.transition === controller) machine.transition = null;
      }
    };
    const running = run().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #powerOff(machine: Machine, because: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#setPower(machine, 'PoweringOff', because);
    machine.boot = 'off';
    await this.#payloads[machine.kind].kill(machine, because);
    await this.#clock.sleep(this.#timings.powerOffMs, signal);
    this.#setPower(machine, 'Off', because);
  }

  async #powerOn(machine: Machine, because: string, signal: AbortSignal): Promise<void> {
    this.#setPower(machine, 'PoweringOn', because);
    await this.#clock.sleep(this.#timings.powerOnMs, signal);
    this.#setPower(machine, 'On', because);
    await this.#boot(machine, signal);
  }

  async #boot(machine: Machine, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    machine.boot = 'post';
    await this.#clock.sleep(this.#timings.postMs, signal);
    applyPendingBios(machine);
    if (takeMachineFault(machine, 'boot-never')) {
      this.#booted(machine, 'none', null, 'stuck', 'fault boot-never');
      return;
    }
    if (overrideTarget(machine) === 'BiosSetup') {
      consumeOverride(machine);
      this.#booted(machine, 'BiosSetup', null, 'bios-setup', null);
      return;
    }
    for (const device of bootOrder(machine)) {
      const iso = device.kind === 'iso' ? device.url : null;
      const name = device.kind === 'iso' ? device.through : device.kind;
      const outcome = await this.#payloads[machine.kind].start(machine, device, signal, (status) =>
        this.#ended(machine, status),
      );
      signal.throwIfAborted();
      if (outcome.kind === 'started') {
        this.#booted(machine, name, iso, outcome.state, null);
        return;
      }
      logOf(machine).add(this.#clock.now(), {
        kind: 'boot',
        device: name,
        iso,
        outcome: 'failed',
        reason: outcome.reason,
      });
    }
    this.#booted(machine, 'none', null, 'no-bootable-device', 'no device holds anything to boot');
  }

  #booted(
    machine: Machine,
    device: string,
    iso: string | null,
    state: BootState,
    reason: string | null,
  ): void {
    machine.boot = state;
    logOf(machine).add(this.#clock.now(), { kind: 'boot', device, iso, outcome: state, reason });
  }

  /** What ran ended by itself: its exit status says what it asks of the machine, as a kernel would. */
  #ended(machine: Machine, status: number | null): void {
    if (status === machineExit.reboot) {
      this.#transit(machine, (signal) => this.#boot(machine, signal));
      return;
    }
    if (status === machineExit.powerOff) {
      this.#transit(machine, (signal) => this.#powerOff(machine, 'the agent powered off', signal));
      return;
    }
    machine.boot = 'crashed';
  }

  #setPower(machine: Machine, to: PowerState, because: string): void {
    if (machine.power === to) return;
    logOf(machine).add(this.#clock.now(), { kind: 'power', from: machine.power, to, because });
    machine.power = to;
  }
}

function effectOn(machine: Machine, type: ResetType): Effect {
  const { off, on } = effects[type];
  switch (machine.power) {
    case 'Off':
      return off;
    case 'On':
    case 'PoweringOn':
      return on;
    case 'PoweringOff':
      // Only cutting power, or letting it go down, makes sense to a machine on its way down.
      return on === 'cut' ? 'cut' : off === 'nothing' ? 'nothing' : 'refuse';
  }
}

function overrideTarget(machine: Machine): string {
  return machine.bootOverride.enabled === 'Disabled' ? 'None' : machine.bootOverride.target;
}

/** The devices to try, in order. A one-time override is used up by asking. */
function bootOrder(machine: Machine): BootDevice[] {
  const target = overrideTarget(machine);
  const { httpBootUri } = machine.bootOverride;
  consumeOverride(machine);
  const disk: BootDevice = { kind: 'disk' };
  if (target === 'Cd' || target === 'Usb') {
    const media = machine.media?.[target === 'Cd' ? 'Cd' : 'UsbStick'];
    if (!media) return [disk];
    return [
      { kind: 'iso', url: media.image, verifyCertificate: media.verifyCertificate, through: target },
      disk,
    ];
  }
  if (target === 'UefiHttp' && httpBootUri)
    return [{ kind: 'iso', url: httpBootUri, verifyCertificate: false, through: 'UefiHttp' }, disk];
  return target === 'Pxe' ? [{ kind: 'network' }, disk] : [disk];
}

function consumeOverride(machine: Machine): void {
  if (machine.bootOverride.enabled !== 'Once') return;
  machine.bootOverride = { ...machine.bootOverride, enabled: 'Disabled', target: 'None' };
}

function applyPendingBios(machine: Machine): void {
  if (!machine.pendingBios) return;
  machine.bios = { ...machine.bios, ...machine.pendingBios };
  machine.pendingBios = null;
}

/** A machine without a process behind it: a medium in the drive or the network brings a ramdisk, its disk an OS. */
export function memoryPayload(clock: Clock): Payload {
  return {
    start: (_machine, device) =>
      Promise.resolve({ kind: 'started', state: device.kind === 'disk' ? 'os' : 'agent' }),
    kill: () => Promise.resolve(),
    shutDown: (_machine, limitMs, signal) => clock.sleep(limitMs / 2, signal),
  };
}
