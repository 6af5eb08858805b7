// Runs one of the project's TypeScript programs on the pinned Node, after installing what is missing.
// Plain JavaScript for Node 20: this is the one file that runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, 'package-lock.json');
const stamp = join(root, 'node_modules', '.installed-lock');
/** Where Node keeps what it compiled: the second start of a program takes half the time of the first. */
const compileCache = join(root, 'node_modules', '.cache', 'node');

installWhatIsMissing();
// A young generation of 16 MiB: left to itself it grows to 64, which large answers fill and nothing gives back.
const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=16'];
const child = spawn(pinnedNode(), [...flags, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => stop(`Could not start ${pinnedNode()}: ${error.message}`));
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});

/** Ensures that node_modules is what package-lock.json says. Does nothing, and needs no network, when it is. */
function installWhatIsMissing() {
  const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('Installing the packages that package-lock.json pins (once) …\n');
  // npm's own output goes to standard error, so that a program's standard output stays its own.
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.error) stop(`Could not run npm: ${npm.error.message}`);
  if (npm.status !== 0) stop('npm ci failed; its reason stands above. Mend that and try again.');
  writeFileSync(stamp, wanted);
}

function pinnedNode() {
  const pinned = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= 26) return process.execPath;
  return stop(
    `There is no Node 26 package for ${process.platform} on ${process.arch}: install Node 26 or newer yourself and run this with it.`,
  );
}

function stop(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(2);
}
