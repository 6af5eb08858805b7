// Talks to the agent on a machine: /v1/status and /v1/commands (spec agent-api.json#/ironic_side/command_client).
import type { Clock } from '#model/clock.ts';
import { AgentAPIError } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import { hideInUrls } from '#model/secrets.ts';
import type { AgentCommand, AgentCommandRequest, CommandProgress } from '#protocol/agent-commands.ts';
import type { AgentAnswer, AgentExchange } from '../agent-exchange.ts';
import { AgentBusy, AgentUnreachable, AgentUrlInvalid } from './agent-faults.ts';
import { exchangeOverHttp } from './agent-http.ts';

export interface AgentClientOptions {
  /** The node's uuid, for messages. */
  node: string;
  /** As the heartbeat gave it: `https://192.0.2.1:9999`. */
  url: string;
  token: string | null;
  /** A certificate that the agent's must be or be signed by; true for the system's authorities, false for none. */
  verify: boolean | { ca: string };
  requireTls: boolean;
  timeoutSeconds: number;
  /** How often something that may be repeated is tried while nothing answers. */
  attempts: number;
  clock: Clock;
  signal: AbortSignal;
  /** Absent: over HTTP. */
  exchange?: AgentExchange;
}

const retryPauseMilliseconds = 1000;
/** What is kept of a command with its node goes no further than this: ids, devices, phases. */
const longestWord = 255;
const commandStatuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'CLEAN_VERSION_MISMATCH'];

export class AgentClient {
  readonly url: string;
  readonly #options: AgentClientOptions;
  readonly #base: URL;

  /** Throws AgentUrlInvalid for a URL that is not plain http(s), or not https where TLS is required. */
  constructor(options: AgentClientOptions) {
    this.#base = checkAgentUrl(options.url, options.requireTls);
    this.url = this.#base.origin;
    this.#options = options;
  }

  /** When the agent began, and its version. Two boots never began at the same time, so this tells them apart. */
  async status(): Promise<{ startedAt: number; version: string }> {
    const body = await this.#repeat(() => this.#call('GET', 'status', {}));
    const { started_at, version } = asObject(body);
    if (typeof started_at !== 'number') throw this.#nonsense('its status has no started_at');
    return { startedAt: started_at, version: wordOf(version) };
  }

  /** Every command of this boot, oldest first. Throws AgentUnreachable, AgentAPIError. May be repeated. */
  async listCommands(): Promise<AgentCommand[]> {
    const { commands } = asObject(await this.#repeat(() => this.#call('GET', 'commands/', {})));
    if (!Array.isArray(commands)) throw this.#nonsense('it lists no commands');
    return commands.map((each: unknown) => this.#commandOf(each));
  }

  /**
   * Starts a command and gives it as it stands at once. Sent once: again only when it cannot have arrived. Throws
   * AgentBusy when another runs; after AgentUnreachable the list of commands tells whether it began.
   */
  async start(request: AgentCommandRequest): Promise<AgentCommand> {
    const send = () => this.#call('POST', 'commands/', { body: request, wait: false });
    return this.#commandOf(await this.#repeat(send, { onlyIfNeverArrived: true }));
  }

  /** Runs a short command that changes nothing, and waits for its end. May be repeated. */
  async ask(request: AgentCommandRequest): Promise<AgentCommand> {
    const send = () => this.#call('POST', 'commands/', { body: request, wait: true });
    return this.#commandOf(await this.#repeat(send));
  }

  async #repeat(call: () => Promise<unknown>, { onlyIfNeverArrived = false } = {}): Promise<unknown> {
    const { attempts, clock, signal } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        const worthwhile = error instanceof AgentUnreachable && (error.neverArrived || !onlyIfNeverArrived);
        if (!worthwhile || attempt >= attempts) throw error;
      }
      await clock.sleep(retryPauseMilliseconds, signal);
    }
  }

  async #call(
    method: 'GET' | 'POST',
    path: string,
    { body, wait }: { body?: unknown; wait?: boolean },
  ): Promise<unknown> {
    const { token, timeoutSeconds, verify, signal, exchange = exchangeOverHttp } = this.#options;
    // At the very moment of sending: it may know without having told that nothing is to be asked any more.
    signal.throwIfAborted();
    try {
      return this.#read(
        await exchange({
          origin: this.#base.origin,
          method,
          path: `${this.#base.pathname.replace(/\/$/, '')}/v1/${path}`,
          query: {
            ...(wait === undefined ? {} : { wait: String(wait) }),
            ...(token ? { agent_token: token } : {}),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          verify,
          timeoutMilliseconds: timeoutSeconds * 1000,
          signal,
        }),
      );
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof AgentAPIError || cause instanceof AgentBusy) throw cause;
      throw this.#unreachable(cause);
    }
  }

  #read({ status, text }: AgentAnswer): unknown {
    const parsed = parseJson(text);
    if (status < 400) {
      if (parsed === undefined) throw this.#nonsense('its answer is not JSON');
      return parsed;
    }
    const { faultstring } = asObject(parsed);
    const reason = printable(typeof faultstring === 'string' ? faultstring : text);
    // Older agents tell that they are busy with another status (spec: command_client.busy).
    if (status === 409 || /agent is busy/i.test(reason)) throw new AgentBusy(this.url);
    throw new AgentAPIError({ node: this.#options.node, status, error: reason });
  }

  #commandOf(value: unknown): AgentCommand {
    const {
      id,
      command_name,
      command_status,
      command_error,
      command_result,
      command_progress,
      command_step,
    } = asObject(value);
    const isKnown = commandStatuses.some((status) => status === command_status);
    if (typeof id !== 'string' || id.length > longestWord || typeof command_name !== 'string' || !isKnown) {
      throw this.#nonsense('a command has no id, name or status');
    }
    // Names and statuses were checked; the rest is only looked at member by member, or shown.
    return {
      id,
      command_name,
      command_status,
      command_error: command_error ?? null,
      command_result: command_result ?? null,
      command_progress: progressOf(command_progress),
      command_step: command_step ?? null,
    } as AgentCommand;
  }

  #nonsense(reason: string): AgentAPIError {
    return new AgentAPIError({ node: this.#options.node, status: 200, error: reason });
  }

  #unreachable(cause: unknown): AgentUnreachable {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const timedOut = (cause instanceof Error && cause.name === 'TimeoutError') || code.includes('TIMEOUT');
    const neverArrived = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(
      code,
    );
    const reason =
      code === 'ECONNREFUSED'
        ? 'the connection was refused'
        : timedOut
          ? `it did not answer within ${this.#options.timeoutSeconds} seconds`
          : printable(messageOf(cause));
    return new AgentUnreachable(this.url, reason, { neverArrived, cause });
  }
}

function checkAgentUrl(text: string, requireTls: boolean): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new AgentUrlInvalid('it is not an http or https URL');
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new AgentUrlInvalid('it has more than a host, a port and a path');
  }
  if (requireTls && url.protocol !== 'https:') {
    throw new AgentUrlInvalid('it is not https, which [agent]require_tls asks for');
  }
  return url;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** What is said of a command's progress, and nothing else: it is stored with every look at the command. */
function progressOf(value: unknown): CommandProgress | null {
  const { phase, bytes_done, bytes_total, percent, device } = asObject(value);
  if (typeof bytes_done !== 'number') return null;
  return {
    phase: wordOf(phase) as CommandProgress['phase'], // only shown, so a new agent's may be another
    bytes_done,
    bytes_total: typeof bytes_total === 'number' ? bytes_total : null,
    percent: typeof percent === 'number' ? percent : null,
    device: wordOf(device),
  };
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, longestWord) : '';
}

/** An agent's words, fit for a message: no control characters, no credentials of an image, and not without end. */
export function printable(text: string): string {
  return hideInUrls(text.slice(0, 10_000).replaceAll(/\p{Cc}+/gu, ' '))
    .trim()
    .slice(0, 1000);
}
