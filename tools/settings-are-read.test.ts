import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { options } from '#config/options.ts';

const root = join(import.meta.dirname, '..', 'src');
const program = globSync('**/*.ts', { cwd: root })
  .filter((path) => !path.endsWith('.test.ts') && !path.includes('testing/') && path !== 'config/options.ts')
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');
const defaults = JSON.stringify(options);

/** Read as `enabled_${type}_interfaces`, `${name}_by_arch`. */
const composed = /^(enabled|default)_\w+_interfaces?$|_by_arch$/;

it('every setting is read by something', () => {
  const unread = Object.entries(options).flatMap(([group, rows]) =>
    Object.keys(rows)
      .filter((name) => !composed.test(name))
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(program) && !defaults.includes(`$${name}`))
      .map((name) => `[${group}] ${name}`),
  );
  assert.deepEqual(unread, []);
});
