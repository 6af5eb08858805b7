// npm run check: format, lint with types, types, unused code. --fix writes the format and what lint can mend.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const fix = process.argv.includes('--fix');
const checks: [name: string, program: string, args: string[]][] = [
  ['format', 'oxfmt', fix ? ['--write', '.'] : ['--check', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings', ...(fix ? ['--fix'] : []), '.']],
  ['types', 'tsc', ['--project', root]],
  ['unused code', 'knip', ['--no-progress', '--no-config-hints']],
];

let failed = 0;
for (const [name, program, args] of checks) {
  const started = performance.now();
  const result = spawnSync(process.execPath, [join(root, 'node_modules', '.bin', program), ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.status === 0) {
    console.log(`${name}: right (${seconds} s)`);
    continue;
  }
  failed += 1;
  console.log(`${name}: wrong (${seconds} s)\n${result.stdout}${result.stderr}`);
}
process.exitCode = failed === 0 ? 0 : 1;
