import { existsSync } from 'node:fs';

const setpriv = '/usr/bin/setpriv';

/**
 * The command that runs a program so that the kernel sends it the signal when the process that started it is gone,
 * however that went: what nobody could end any more would run for ever. Without Debian's setpriv it is run as it is.
 */
export function endsWithParent(
  program: string,
  args: readonly string[],
  signal: 'KILL' | 'QUIT' = 'KILL',
): [program: string, args: string[]] {
  if (!existsSync(setpriv)) return [program, [...args]];
  return [setpriv, ['--pdeathsig', signal, '--', program, ...args]];
}
