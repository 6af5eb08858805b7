// Programs of the neighbouring services, from Debian's packages.
import { spawnSync } from 'node:child_process';

/**
 * Ensures that what `find` looks for is there, installing the package when it is missing and we may. Gives what `find`
 * finds; throws words that say what to install.
 */
export function ensureInstalled(packageName: string, find: () => string | undefined): string {
  const found = find();
  if (found !== undefined) return found;
  if (process.getuid?.() === 0) install(packageName);
  const installed = find();
  if (installed !== undefined) return installed;
  throw new Error(`${packageName} is not installed here; install it with: apt-get install ${packageName}`);
}

function install(packageName: string): void {
  process.stderr.write(`Installing Debian's package ${packageName} …\n`);
  const install = ['install', '--yes', '--no-install-recommends', packageName];
  if (runAptGet(install)) return;
  // The lists may be too old for what the archive has, or there may be none.
  runAptGet(['update']);
  runAptGet(install);
}

function runAptGet(args: readonly string[]): boolean {
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    // The package's own service is not wanted: what is started here is private.
    RUNLEVEL: '1',
  };
  return spawnSync('apt-get', args, { env, stdio: 'ignore' }).status === 0;
}
