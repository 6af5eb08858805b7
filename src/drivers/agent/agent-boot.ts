// Brings the agent up on a machine: once per boot, however often the step that asks for it is run.
import { randomBytes } from 'node:crypto';
import type { NodeRecord } from '#model/node-record.ts';
import type { NetworkPurpose } from '../interfaces/others.ts';
import type { StepOutcome } from '../steps.ts';
import type { StepTask } from '../task.ts';
import { noAgent, noAgentToken } from '../agent-facts.ts';
import { isFastTrack } from '../fast-track.ts';
import { AgentLost } from './agent-faults.ts';
import { powerStateIfTold } from './power-look.ts';

/** Makes the step forget the boot it noted, so that the next `bootAgent` is another one. */
export async function forgetBoot(task: StepTask): Promise<void> {
  await task.note({ ...task.memo, agent_boot: null, agent_command: null });
}

export interface AgentBoot {
  network: Exclude<NetworkPurpose, 'tenant'>;
  /** `token`: null when the machine is to get it another way. */
  kernelParameters(token: string | null): Record<string, string>;
  /** False when the machine has to be started anew though an agent runs on it. */
  mayUseRunningAgent: boolean;
  /** What else is to be ensured while the machine is off. May be repeated. */
  whileOff?(): Promise<void>;
}

/** What a step notes of the boot it began, under `agent_boot` in its memo. */
interface BootNote {
  /** The machine is off, and the BMC was given this boot's media. */
  prepared: boolean;
  /** The action that starts it: about to be sent, or seen to have worked. */
  started: 'no' | 'asked' | 'yes';
  /** When it was seen to have worked, in milliseconds since the epoch. */
  startedAt?: number;
  /** This is the second boot: of the first, no agent was heard of in time. */
  again?: true;
}

/** How often a booting machine is looked at, should it turn itself off. */
const lookSeconds = 30;
/** How often a BMC is asked for a power action it may have taken and not show yet. */
const settleLooks = 5;

/**
 * Ensures that the machine boots the agent once: 'there' when the agent of this boot was heard of, else what to wait
 * for. A machine that is on its way is never started a second time. Throws AgentLost when it turned off again.
 */
export async function bootAgent(task: StepTask, boot: AgentBoot): Promise<'there' | StepOutcome> {
  const { driver } = task;
  const note = noteOf(task);
  if (note === null) {
    const running = boot.mayUseRunningAgent ? await runningAgent(task) : 'none';
    if (running !== 'none') await driver.network.attach(task, boot.network);
    if (running === 'heard of') return 'there';
    if (running === 'expected') return { kind: 'wait', for: 'agent', pollSeconds: lookSeconds };
    await beginBoot(task);
  } else if (task.agentHeardAt !== null) {
    return 'there';
  }
  const parameters = boot.kernelParameters(driver.boot.carriesToken ? tokenOf(task.node) : null);
  if (!note?.prepared) {
    await driver.network.attach(task, boot.network);
    if (!task.node.disable_power_off) await task.setPower('power off');
    await boot.whileOff?.();
    await driver.boot.prepareRamdisk(task, parameters);
    await keep(task, { ...noteOf(task), prepared: true, started: 'no' });
  }
  if (noteOf(task)?.started === 'yes') return await stillArriving(task, boot);
  const state = await driver.power.getPowerState(task);
  if (state === 'power on' && (await isOnItsWay(task))) return await arriving(task);
  if (state !== 'power on') {
    if (noteOf(task)?.started === 'asked' && (await turnsOn(task))) return await arriving(task);
    if (!(await driver.boot.isRamdiskPrepared(task))) await driver.boot.prepareRamdisk(task, parameters);
  }
  await keep(task, { ...noteOf(task), prepared: true, started: 'asked' });
  await task.setPower(state === 'power on' ? 'rebooting' : 'power on');
  return await arriving(task);
}

/**
 * The new token comes first, or at least the end of the old one: from then on a heartbeat of whatever still runs is
 * refused, so that one that is accepted can only be of the boot that follows.
 */
async function beginBoot(task: StepTask): Promise<void> {
  await task.save({
    driver_internal_info: {
      ...noAgent,
      ...noAgentToken,
      ...(task.driver.boot.carriesToken && {
        agent_secret_token: randomBytes(32).toString('base64url'),
        agent_secret_token_pregenerated: true,
      }),
    },
  });
  await keep(task, { prepared: false, started: 'no' });
}

/**
 * Fast track: the agent of an earlier flow, on a machine that is on. One that has just inspected its machine is on its
 * way to the first heartbeat (ironic conductor/utils.py is_fast_track, 2026.2).
 */
async function runningAgent(task: StepTask): Promise<'heard of' | 'expected' | 'none'> {
  if (!isFastTrack(task)) return 'none';
  const isFresh = isRecent(task, task.agentHeardAt);
  const { inspection_finished_at: finished } = task.node;
  const isExpected = task.agentHeardAt === null && isRecent(task, finished ? Date.parse(finished) : null);
  if (!isFresh && !isExpected) return 'none';
  if ((await task.driver.power.getPowerState(task)) !== 'power on') return 'none';
  return isFresh ? 'heard of' : 'expected';
}

function isRecent({ clock, settings }: StepTask, time: number | null): boolean {
  return time !== null && clock.now() - time <= settings.deploy.fast_track_timeout * 1000;
}

/**
 * Whether a machine that is on was started for this boot. It was off when its media were put in, unless it must not
 * be powered off; then a reboot that was asked for has happened once the firmware used up the one-time boot device.
 */
async function isOnItsWay(task: StepTask): Promise<boolean> {
  if (!task.node.disable_power_off) return true;
  if (noteOf(task)?.started !== 'asked') return false;
  const { boot_device, persistent } = await task.driver.management.getBootDevice(task);
  return boot_device !== 'cdrom' || persistent === true;
}

/** Whether a machine that was told to turn on before does so yet: some BMCs are slow to say it. */
export async function turnsOn(task: StepTask): Promise<boolean> {
  for (let look = 1; look <= settleLooks; look += 1) {
    await task.clock.sleep(task.settings.ingot.driver_poll_interval * 1000, task.signal);
    if ((await task.driver.power.getPowerState(task)) === 'power on') return true;
  }
  return false;
}

async function arriving(task: StepTask): Promise<StepOutcome> {
  // It was seen on: this only makes the record say so.
  if (task.node.power_state !== 'power on') await task.setPower('power on');
  await keep(task, { ...noteOf(task), prepared: true, started: 'yes', startedAt: task.clock.now() });
  return waitForBoot(task);
}

async function stillArriving(task: StepTask, boot: AgentBoot): Promise<'there' | StepOutcome> {
  if ((await powerStateIfTold(task)) === 'power off') {
    throw new AgentLost('The machine turned off while the agent was booting.');
  }
  if (!isOverdue(task)) return waitForBoot(task);
  task.log.warn({}, 'no agent was heard of since the machine was started; boots it once more');
  await keep(task, { prepared: false, started: 'no', again: true });
  return await bootAgent(task, boot);
}

/**
 * Whether the boot must have come to nothing: the BMC may have asked for its medium just when nobody was there to
 * serve it. One more boot is all that is tried; what stays silent then is the timeout's business.
 */
function isOverdue(task: StepTask): boolean {
  const { boot_retry_after: limit } = task.settings.ingot;
  const note = noteOf(task);
  if (limit === 0 || note?.startedAt === undefined || note.again) return false;
  return task.clock.now() - note.startedAt > limit * 1000;
}

function waitForBoot(task: StepTask): StepOutcome {
  const { boot_retry_after: limit } = task.settings.ingot;
  const pollSeconds = limit > 0 ? Math.min(lookSeconds, limit) : lookSeconds;
  return { kind: 'wait', for: 'agent', pollSeconds };
}

function tokenOf(node: NodeRecord): string {
  const token = node.driver_internal_info['agent_secret_token'];
  if (typeof token !== 'string') throw new AgentLost('The token given to the agent of this boot is gone.');
  return token;
}

function noteOf(task: StepTask): BootNote | null {
  // Written by `keep` alone.
  return (task.memo['agent_boot'] as BootNote | undefined) ?? null;
}

async function keep(task: StepTask, note: BootNote): Promise<void> {
  await task.note({ ...task.memo, agent_boot: note });
}
