// npm test [-- FILE…]: every test of the tree, or the named ones, with node's test runner.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : globSync('{src,sim,simulation,tools,bench,test,examples}/**/*.test.ts', { cwd: root }).toSorted();
const result = spawnSync(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--test', '--test-reporter=spec', ...files],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = result.status ?? 1;
