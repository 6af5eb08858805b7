import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { existsSync } from 'node:fs';

const setpriv = '/usr/bin/setpriv';

/**
 * Starts a program that the kernel ends when this process is gone, however that went: what nobody could end any more
 * would run for ever. A Ctrl-C at the terminal does not reach it, so that whoever started it ends it in order.
 * Without Debian's setpriv it is an ordinary child.
 */
export function spawnWithParent(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
  signal: 'KILL' | 'QUIT' = 'KILL',
): ChildProcess {
  if (!existsSync(setpriv)) return spawn(program, args, options);
  const command = ['--pdeathsig', signal, '--', program, ...args];
  return spawn(setpriv, command, { ...options, detached: true });
}
