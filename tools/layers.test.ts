import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, it } from 'node:test';
import { layers, testsMayImportAnything } from './layers.ts';

const root = join(import.meta.dirname, '..');
const importPattern =
  /^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s*['"]([^'"]+)['"]/gm;
const folders = Object.keys(layers).toSorted((a, b) => b.length - a.length);
const folderOf = (path: string): string | undefined =>
  folders.find((folder) => path.startsWith(`${folder}/`));

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** The file in this tree that an import names, or undefined for a package. */
function targetOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier));
  if (specifier.startsWith('#sim/')) return specifier.replace('#sim/', 'sim/');
  return specifier.startsWith('#') ? specifier.replace('#', 'src/') : undefined;
}

const files = globSync('{src,sim,simulation,bench,tools,test}/**/*.ts', { cwd: root }).map((path) =>
  relative(root, join(root, path)),
);

describe('borders', () => {
  it('sees the files of every folder that the table names', () => {
    assert.ok(files.length > 0);
    for (const file of files)
      assert.ok(folderOf(file) ?? file.startsWith('test/'), `${file} is in no folder of the table`);
  });

  it('no folder imports one that the table does not allow it', () => {
    const wrong: string[] = [];
    for (const file of files) {
      if (testsMayImportAnything.test(file)) continue;
      const from = folderOf(file);
      for (const specifier of importsOf(file)) {
        const target = targetOf(file, specifier);
        const to = target && folderOf(target);
        if (!from || !to || from === to) continue;
        const allowed: readonly string[] = layers[from as keyof typeof layers]; // folderOf returns keys of the table only
        if (!allowed.includes(to)) wrong.push(`${file} imports ${specifier}, but ${from} may not name ${to}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it('only src/db speaks SQL', () => {
    const wrong = files.filter(
      (file) =>
        file.startsWith('src/') &&
        !file.startsWith('src/db/') &&
        !testsMayImportAnything.test(file) &&
        /\.(selectFrom|insertInto|updateTable|deleteFrom)\(|from 'kysely'/.test(
          readFileSync(join(root, file), 'utf8'),
        ),
    );
    assert.deepEqual(wrong, []);
  });

  it('a folder is imported by its name across a border and relatively inside it', () => {
    const wrong: string[] = [];
    for (const file of files) {
      for (const specifier of importsOf(file)) {
        const target = targetOf(file, specifier);
        if (!target) continue;
        const crosses = folderOf(target) !== folderOf(file);
        if (crosses && specifier.startsWith('.') && target.startsWith('src/'))
          wrong.push(`${file}: ${specifier}`);
        if (!crosses && specifier.startsWith('#')) wrong.push(`${file}: ${specifier}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});
