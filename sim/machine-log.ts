// The BMC's own record of one machine: what was asked, what happened, what booted. Tests judge the service by it.
import type { BootState, PowerState } from './machine.ts';

type LogEvent =
  /** A request that asked for a change, or that a fault touched. Plain reads are only counted. */
  | { kind: 'request'; method: string; path: string; status: number | null; fault: string | null }
  | {
      kind: 'action';
      action: string;
      detail: Record<string, unknown>;
      result: ActionResult;
      power_state: PowerState;
      boot_state: BootState;
      agent_pid: number | null;
      /** How long ago a disk of the machine was last written; null when it has no disk files. */
      milliseconds_since_disk_write: number | null;
    }
  | { kind: 'power'; from: PowerState; to: PowerState; because: string }
  | { kind: 'boot'; device: string; iso: string | null; outcome: BootState | 'failed'; reason: string | null }
  | { kind: 'agent-start'; pid: number; iso: string; parameters: string }
  | { kind: 'agent-exit'; pid: number; status: number | null; signal: string | null; because: string | null }
  | { kind: 'fault'; fault: string; reason: string };

/** `no-change`: already so. `unheard`: nothing runs that listens. `stuck`: a fault swallowed it. */
export type ActionResult = 'done' | 'no-change' | 'unheard' | 'stuck' | 'refused';
export type LogEntry = { sequence: number; at: string } & LogEvent;

const keptEntries = 5_000;

export class MachineLog {
  readonly entries: LogEntry[] = [];
  #sequence = 0;
  readonly #listeners = new Set<(entry: LogEntry) => void>();

  add(at: number, event: LogEvent): void {
    this.#sequence += 1;
    const entry: LogEntry = { sequence: this.#sequence, at: new Date(at).toISOString(), ...event };
    this.entries.push(entry);
    if (this.entries.length > keptEntries) this.entries.shift();
    for (const listener of this.#listeners) listener(entry);
  }

  /**
   * The first entry, past or to come, that the test accepts. Rejects with the signal's reason when it is aborted.
   */
  waitFor(accepts: (entry: LogEntry) => boolean, signal: AbortSignal): Promise<LogEntry> {
    const past = this.entries.find(accepts);
    if (past) return Promise.resolve(past);
    const { promise, resolve, reject } = Promise.withResolvers<LogEntry>();
    const listener = (entry: LogEntry): void => {
      if (accepts(entry)) resolve(entry);
    };
    const abort = (): void => reject(signal.reason);
    this.#listeners.add(listener);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    return promise.finally(() => {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', abort);
    });
  }
}
