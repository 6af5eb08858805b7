// Runs commands, one at a time, and remembers them.
import { randomUUID } from 'node:crypto';
import { messageOf } from '#model/message.ts';
import type { AgentCommand, AgentCommandError, AgentCommandRequest } from '#protocol/agent-commands.ts';
import type { AgentContext } from './agent-context.ts';
import { commandTable, stepParam } from './commands.ts';
import type { CommandRow } from './commands.ts';
import {
  AgentFault,
  AgentIsBusy,
  CommandNotFound,
  InvalidContent,
  UnexpectedParameter,
  UnknownCommand,
  UnknownExtension,
  VersionMismatch,
} from './faults.ts';

export interface CommandRunner {
  /**
   * Starts a command; resolves with it as it then stands: done if it is sync, running if not.
   * @throws AgentIsBusy, InvalidContent, UnknownExtension, UnknownCommand. Every other failure is the command's own.
   */
  execute(request: AgentCommandRequest): Promise<AgentCommand>;
  /** All remembered commands, oldest first. */
  list(): AgentCommand[];
  /** @throws CommandNotFound */
  find(id: string): AgentCommand;
  /** Resolves when the command has ended. @throws CommandNotFound, or the signal's reason. */
  ended(id: string, signal: AbortSignal): Promise<AgentCommand>;
}

/** More than any deployment needs; the oldest are forgotten. */
const remembered = 500;

/** A runner; `onAsyncEnd` hears of each async command that ended, for the conductor waits to be told by a heartbeat. */
export function createCommandRunner(context: AgentContext, onAsyncEnd: () => void): CommandRunner {
  const commands = new Map<string, { command: AgentCommand; end: Promise<void> }>();
  let running: AgentCommand | null = null;

  async function run(command: AgentCommand, row: CommandRow, params: Record<string, unknown>) {
    running = command;
    try {
      const result = await row.run(context, params, {
        report: (progress) => (command.command_progress = progress),
      });
      command.command_result =
        typeof result === 'string' ? { result: textResult(row, command, result) } : result;
      command.command_status = 'SUCCEEDED';
    } catch (error) {
      context.log.error(`${command.command_name} failed`, error);
      command.command_error = describeError(error);
      command.command_status = error instanceof VersionMismatch ? 'CLEAN_VERSION_MISMATCH' : 'FAILED';
      if (row.mode === 'sync' && error instanceof InvalidContent) throw error;
    } finally {
      running = null;
      if (row.mode === 'async') onAsyncEnd();
    }
  }

  return {
    async execute({ name, params }) {
      if (running) throw new AgentIsBusy(running.command_name);
      const { row, shortName } = findCommand(name);
      const missing = row.required.find((parameter) => params[parameter] === undefined);
      if (missing !== undefined) throw new InvalidContent(`${name} needs the parameter ${missing}`);
      const command: AgentCommand = {
        id: randomUUID(),
        command_name: shortName,
        command_status: 'RUNNING',
        command_error: null,
        command_result: null,
        command_progress: null,
        command_step: stepOf(shortName, params),
      };
      const unexpected = unexpectedParameter(row, params);
      const work =
        unexpected === undefined
          ? row
          : { ...row, run: () => Promise.reject(new UnexpectedParameter(shortName, unexpected)) };
      const end = run(command, work, params);
      commands.set(command.id, { command, end });
      forgetOldest(commands);
      if (row.mode === 'sync' || unexpected !== undefined) await end;
      return command;
    },
    list: () => Array.from(commands.values(), ({ command }) => command),
    find(id) {
      return entry(commands, id).command;
    },
    async ended(id, signal) {
      const { command, end } = entry(commands, id);
      const aborted = Promise.withResolvers<never>();
      const abort = () => aborted.reject(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      try {
        await Promise.race([end, aborted.promise]);
        return command;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

function findCommand(name: string): { row: CommandRow; shortName: string } {
  const [extension = '', shortName = '', ...rest] = name.split('.');
  if (shortName === '' || rest.length > 0) throw new UnknownCommand(name);
  if (!Object.hasOwn(commandTable, extension)) throw new UnknownExtension(extension);
  const rows = commandTable[extension] ?? {};
  const row = Object.hasOwn(rows, shortName) ? rows[shortName] : undefined;
  if (!row) throw new UnknownCommand(name);
  return { row, shortName };
}

function unexpectedParameter(
  { required, optional }: CommandRow,
  params: Record<string, unknown>,
): string | undefined {
  if (optional === null) return undefined;
  return Object.keys(params).find((name) => !required.includes(name) && !optional.includes(name));
}

function stepOf(shortName: string, params: Record<string, unknown>): AgentCommand['command_step'] {
  if (!/^execute_\w+_step$/.test(shortName)) return null;
  const { step, interface: of } = stepParam(params);
  return { step, interface: of };
}

/** A text that an async command results in carries the command's name, and a sync one's does not (IPA base.py). */
function textResult({ mode }: CommandRow, { command_name: name }: AgentCommand, text: string): string {
  return mode === 'async' ? `${name}: ${text}` : text;
}

function describeError(error: unknown): AgentCommandError {
  const message = messageOf(error);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  return error instanceof AgentFault
    ? { type: error.type, code: error.code, message, details: cause }
    : { type: 'CommandExecutionError', code: 500, message, details: cause };
}

function entry<T>(commands: Map<string, T>, id: string): T {
  const found = commands.get(id);
  if (!found) throw new CommandNotFound(id);
  return found;
}

function forgetOldest(commands: Map<string, unknown>) {
  const oldest = commands.keys().next();
  if (commands.size > remembered && oldest.done !== true) commands.delete(oldest.value);
}
