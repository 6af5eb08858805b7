// One process of the service: started with its own configuration, to be ended, killed, frozen and started again.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spawnWithParent } from '../spawn-with-parent.ts';
import { type Configuration, configurationText } from './configuration-file.ts';

/** `all-in-one` is what runs without a word on the command line. */
export type ProcessRole = 'all-in-one' | 'api' | 'conductor';

export interface IngotProcessOptions {
  readonly role: ProcessRole;
  /** Where its configuration, data and log stand. */
  readonly folder: string;
  readonly configuration: Configuration;
}

/** How a life of it ended. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

const entry = join(import.meta.dirname, '..', '..', 'src', 'bin', 'ingot.ts');

/** It ends with the process that made it, however that ends. */
export class IngotProcess implements AsyncDisposable {
  readonly role: ProcessRole;
  readonly folder: string;
  readonly logFile: string;
  readonly #configuration: Configuration;
  #child: ChildProcess | undefined;
  #ready = '';

  constructor({ role, folder, configuration }: IngotProcessOptions) {
    this.role = role;
    this.folder = folder;
    this.logFile = join(folder, 'service.log');
    this.#configuration = configuration;
  }

  /** Its `[DEFAULT] host`. */
  get host(): string {
    return String(this.#configuration['DEFAULT']?.['host']);
  }

  /** Of its API. */
  get url(): string {
    return this.#ready;
  }

  /** Of its present life, or of its last. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it does its work. Throws with the end of its log when it does not come so far. */
  async start(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    const file = join(this.folder, 'ingot.conf');
    await writeFile(file, configurationText(this.#configuration), { mode: 0o600 });
    const word = this.role === 'all-in-one' ? [] : [this.role];
    this.#child = this.#spawn([...word, '--config', file, '--data', join(this.folder, 'data')]);
    const ready = await readyWord(this.#child);
    if (ready === undefined)
      throw new Error(
        `The ${this.role} in ${this.folder} did not start:\n${(await this.log()).slice(-4000)}`,
      );
    this.#ready = ready;
  }

  /** Asks it to end in order, and waits until it did. */
  async stop(): Promise<ProcessEnd> {
    this.#child?.kill('SIGTERM');
    // A frozen one does not hear that it should end.
    this.thaw();
    return await this.ended();
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<ProcessEnd> {
    this.#child?.kill('SIGKILL');
    return await this.ended();
  }

  /** Ends it in order and starts it again, with the same configuration and on the same port. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Halts it between two instructions. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async ended(): Promise<ProcessEnd> {
    if (this.isAlive && this.#child) await once(this.#child, 'exit');
    return { status: this.#child?.exitCode ?? null, signal: this.#child?.signalCode ?? null };
  }

  /** Of all its lives. */
  async log(): Promise<string> {
    return await readFile(this.logFile, 'utf8').catch(() => '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #spawn(args: readonly string[]): ChildProcess {
    const log = openSync(this.logFile, 'a');
    try {
      const node = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=16', entry, ...args];
      return spawnWithParent(process.execPath, node, { stdio: ['ignore', 'pipe', log] });
    } finally {
      closeSync(log);
    }
  }
}

/** What it says that it is ready with; undefined when it ended before. */
async function readyWord(child: ChildProcess): Promise<string | undefined> {
  if (!child.stdout) throw new TypeError('The service was started without a pipe');
  const lines = createInterface({ input: child.stdout });
  try {
    for await (const line of lines) {
      const [, word] = /^Ingot is ready: (.+)$/.exec(line) ?? [];
      if (word !== undefined) return word;
    }
    return undefined;
  } finally {
    lines.close();
    // What it says later is not read; a full pipe would hold it up.
    child.stdout.resume();
  }
}
