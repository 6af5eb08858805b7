// What a service manager does: a process that ended, and was not asked to by us, is started again after a while.
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '#model/message.ts';

export interface Supervised {
  readonly name: string;
  /** Of its present life, or of its last. */
  readonly pid: () => number | undefined;
  readonly restart: () => Promise<void>;
}

export interface SuperviseOptions {
  readonly afterSeconds: number;
  /** Told of each end and of each new beginning, in a sentence. */
  readonly tell: (sentence: string) => void;
}

/** Until it is disposed of, which waits for whatever is just being started. */
export function supervise(all: readonly Supervised[], options: SuperviseOptions): AsyncDisposable {
  const over = new AbortController();
  const work = Promise.all(all.map(async (each) => await keepUp(each, options, over.signal)));
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await work;
    },
  };
}

const lookMilliseconds = 250;

async function keepUp(
  { name, pid, restart }: Supervised,
  { afterSeconds, tell }: SuperviseOptions,
  over: AbortSignal,
): Promise<void> {
  while (await hasPassed(lookMilliseconds, over)) {
    if (isThere(pid())) continue;
    tell(`${name} (pid ${pid()}) is gone; it is started again in ${afterSeconds} s.`);
    if (!(await hasPassed(afterSeconds * 1000, over))) return;
    try {
      await restart();
      tell(`${name} runs again, pid ${pid()}.`);
    } catch (error) {
      tell(`${name} could not be started: ${messageOf(error)}`);
    }
  }
}

function isThere(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** False when it was over before that. */
async function hasPassed(milliseconds: number, over: AbortSignal): Promise<boolean> {
  return await delay(milliseconds, true, { signal: over }).catch(() => false);
}
