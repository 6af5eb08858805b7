// A command to the agent as the core of a step that may run again at any time. What is known of the command is
// noted before it is sent, so that whoever runs the step next finds it in the agent's own list instead of sending
// it a second time.
import type { AgentCommand, CommandProgress } from '#protocol/agent-commands.ts';
import type { StepOutcome } from '../steps.ts';
import type { StepTask } from '../task.ts';
import { agentOf } from './agent-access.ts';
import { printable, type AgentClient } from './agent-client.ts';
import { AgentBusy, AgentCommandFailed, AgentLost, AgentUnreachable } from './agent-faults.ts';
import { powerStateIfTold } from './power-look.ts';

export interface AgentCommandPlan {
  /** `extension.command`, as `deploy.execute_deploy_step`. */
  name: string;
  /** Made when the command is sent, not when it is found running. */
  params(): Promise<Record<string, unknown>> | Record<string, unknown>;
  /** For messages, after "while": `writing the image`. */
  what: string;
  /** False: when the agent began anew in the middle, the step fails rather than doing it twice. */
  mayRepeat: boolean;
}

export type AgentCommandOutcome =
  | { kind: 'finished'; result: Record<string, unknown> }
  | { kind: 'waiting'; outcome: StepOutcome }
  /** Refused: its hardware managers are not those that listed the step. */
  | { kind: 'outdated' };

/** Times in a row that the agent did not answer, and since when. */
export interface Misses {
  readonly misses: number;
  readonly missingSince: number | null;
}

export const noMisses: Misses = { misses: 0, missingSince: null };

/** What a step notes of its command; under `agent_command` in its memo. */
interface CommandNote extends Misses {
  name: string;
  /** When the agent began that the command was meant for; another time means another boot. Null: none was reached. */
  startedAt: number | null;
  /** The last command in the agent's list before ours was sent. */
  after: string | null;
  id: string | null;
  /** How often the command was sent again because the agent had begun anew. */
  restarts: number;
}

const maxRestarts = 3;
const maxMisses = 3;

/**
 * Ensures that the command ran once, or is running: finds it, or sends it. Throws AgentCommandFailed with the
 * agent's own message, and AgentLost when the agent is gone for good. May be called any number of times.
 */
export async function runAgentCommand(task: StepTask, plan: AgentCommandPlan): Promise<AgentCommandOutcome> {
  const note = noteOf(task, plan);
  // A command that was sent is looked for again at the next poll in any case.
  const agent = await agentOf(task, note.id === null ? {} : { attempts: 1 });
  if (agent === null) return missed(task, plan, note, 'it was not heard of since the machine started', null);
  try {
    const [{ startedAt }, commands] = [await agent.status(), await agent.listCommands()];
    const mine = note.startedAt === startedAt ? find(commands, note) : undefined;
    if (mine) return await follow(task, plan, note, mine);
    if (note.startedAt !== null && note.startedAt !== startedAt) refuseToRepeat(plan, note);
    return await send(task, plan, agent, {
      ...note,
      restarts: note.restarts + (note.startedAt === null || note.startedAt === startedAt ? 0 : 1),
      startedAt,
      after: commands.at(-1)?.id ?? null,
      id: null,
    });
  } catch (error) {
    // Another command runs, or an earlier sending of this one was slower than its answer: look again later.
    if (error instanceof AgentBusy) return waiting(task);
    if (error instanceof AgentUnreachable)
      return missed(task, plan, noteOf(task, plan), error.message, error);
    throw error;
  }
}

async function send(
  task: StepTask,
  plan: AgentCommandPlan,
  agent: AgentClient,
  note: CommandNote,
): Promise<AgentCommandOutcome> {
  const params = await plan.params();
  await keep(task, { ...note, ...noMisses });
  const command = await agent.start({ name: plan.name, params });
  const sent = { ...note, id: command.id, ...noMisses };
  await keep(task, sent);
  return follow(task, plan, sent, command);
}

async function follow(
  task: StepTask,
  plan: AgentCommandPlan,
  note: CommandNote,
  command: AgentCommand,
): Promise<AgentCommandOutcome> {
  switch (command.command_status) {
    case 'RUNNING':
      await keep(task, { ...note, id: command.id, ...noMisses }, command.command_progress);
      return waiting(task);
    case 'SUCCEEDED':
      return { kind: 'finished', result: command.command_result ?? {} };
    case 'FAILED':
      throw failureOf(plan.what, command);
    case 'CLEAN_VERSION_MISMATCH':
      return { kind: 'outdated' };
  }
}

/** What a failed command says went wrong. */
export function failureOf(what: string, command: AgentCommand): AgentCommandFailed {
  const { type, message, details } = command.command_error ?? {};
  const said = [message, details].filter((text) => typeof text === 'string' && text !== '');
  // Agents repeat the message in the details more often than not.
  const text = said[1]?.startsWith(said[0] ?? '') ? said[1] : said.join(' ');
  return new AgentCommandFailed(what, {
    command: command.command_name,
    type: typeof type === 'string' ? type : 'unknown',
    message: printable(text ?? '') || 'it did not say why',
  });
}

/** Ours is the first with its name after what was in the list when it was sent; nobody else sends commands. */
function find(commands: readonly AgentCommand[], note: CommandNote): AgentCommand | undefined {
  if (note.id !== null) return commands.find(({ id }) => id === note.id);
  const shortName = note.name.slice(note.name.indexOf('.') + 1);
  const first = commands.findIndex(({ id }) => id === note.after) + 1;
  return commands.slice(first).find(({ command_name }) => command_name === shortName);
}

function refuseToRepeat(plan: AgentCommandPlan, note: CommandNote): void {
  if (!plan.mayRepeat) {
    throw new AgentLost(
      `The agent started anew while ${plan.what}: how far it came is not known, and it must not be done twice.`,
    );
  }
  if (note.restarts >= maxRestarts) {
    throw new AgentLost(`The agent started anew ${note.restarts + 1} times while ${plan.what}.`);
  }
}

async function missed(
  task: StepTask,
  plan: AgentCommandPlan,
  note: CommandNote,
  reason: string,
  cause: AgentUnreachable | null,
): Promise<AgentCommandOutcome> {
  const so = `while ${plan.what}${progressText(task)}`;
  await keep(task, { ...note, ...(await missAgain(task, note, so, { reason, cause })) });
  return waiting(task);
}

/**
 * The agent does not answer: for a moment, or for good. A machine that is off will never answer; otherwise some
 * tries pass first, since an agent may be slow while it writes. Gives what is to be noted of it; throws AgentLost,
 * saying `so` what was done meanwhile. Without a `cause` nobody was called: it is the time limit's to end that.
 */
export async function missAgain(
  task: StepTask,
  before: Misses,
  so: string,
  { reason, cause }: { reason: string; cause: AgentUnreachable | null },
): Promise<Misses> {
  const now = task.clock.now();
  const misses = before.misses + 1;
  const missingSince = before.missingSince ?? now;
  if ((await powerStateIfTold(task)) === 'power off')
    throw new AgentLost(`The machine was found off ${so}.`, { cause });
  const limit = (maxMisses - 1) * task.settings.agent.command_wait_interval * 1000;
  if (cause && misses >= maxMisses && now - missingSince >= limit) {
    const heard = task.agentHeardAt !== null && task.agentHeardAt > missingSince;
    throw new AgentLost(
      heard
        ? `The agent at ${cause.url} heartbeats but cannot be called ${so}: ${reason}`
        : `The agent at ${cause.url} stopped answering ${so}: ${reason}`,
      { cause },
    );
  }
  return { misses, missingSince };
}

function progressText(task: StepTask): string {
  // Written by `keep` alone.
  const progress = task.memo['progress'] as CommandProgress | undefined;
  if (typeof progress?.percent === 'number') return ` (at ${Math.floor(progress.percent)} %)`;
  return progress ? ` (after ${progress.bytes_done} bytes)` : '';
}

function waiting(task: StepTask): AgentCommandOutcome {
  const pollSeconds = task.settings.agent.command_wait_interval;
  return { kind: 'waiting', outcome: { kind: 'wait', for: 'agent', pollSeconds } };
}

function noteOf(task: StepTask, plan: AgentCommandPlan): CommandNote {
  // Written by `keep` alone.
  const kept = task.memo['agent_command'] as CommandNote | undefined;
  if (kept?.name === plan.name) return kept;
  return {
    name: plan.name,
    startedAt: null,
    after: null,
    id: null,
    restarts: 0,
    ...noMisses,
  };
}

/** A commit for each look at a thousand machines would be felt: what is known already is not noted again. */
async function keep(task: StepTask, note: CommandNote, progress?: CommandProgress | null): Promise<void> {
  const memo = { ...task.memo, agent_command: note, ...(progress ? { progress } : {}) };
  if (JSON.stringify(memo) !== JSON.stringify(task.memo)) await task.note(memo);
}
