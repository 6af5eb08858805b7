// The table of settings beside Ironic's, where that is at hand.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Option } from './option.ts';
import { options } from './options.ts';

const file = join(import.meta.dirname, '../../../shared/spec/config-options.json');

interface TheirOption {
  name: string;
  default: unknown;
  choices?: string[];
  secret?: boolean;
}

// Registered by the libraries beneath Ironic (oslo.log, oslo.db, oslo.messaging, oslo.middleware), so not in its own list.
const ofLibraries = [
  'DEFAULT.rpc_response_timeout',
  'database.max_pool_size',
  'DEFAULT.debug',
  'DEFAULT.log_file',
  'database.connection',
  'healthcheck.detailed',
  'healthcheck.backends',
  'healthcheck.disable_by_file_path',
  'healthcheck.disable_by_file_paths',
];

// Newer than the list: the mending of OSSN-0110 brought it.
const newer = ['deploy.image_server_auth_hosts'];

if (existsSync(file)) {
  // The file's shape is stated in the README beside it.
  const { groups }: { groups: { group: string; options: TheirOption[] }[] } = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  const theirs = new Map(
    groups.flatMap(({ group, options }) => options.map((each) => [`${group}.${each.name}`, each])),
  );

  describe('every setting is one of Ironic, with its default unless it says why not', () => {
    for (const [group, rows] of Object.entries(options))
      for (const [name, row] of Object.entries<Option<unknown>>(rows)) {
        const key = `${group}.${name}`;
        if (group === 'ingot' || ofLibraries.includes(key) || newer.includes(key)) continue;
        test(key, () => {
          const reference = theirs.get(key);
          assert.ok(reference, 'Ironic has no such option');
          const told = row.ironic ? row.ironic.default : row.default;
          // What is found when the program runs stands in angle brackets there; delays are texts there.
          if (row.whenEmpty) assert.match(String(reference.default), /^<.*>$/);
          else if (row.kind === 'numbers' || row.ironic)
            assert.equal(String(told), String(reference.default));
          else assert.deepEqual(told, reference.default);
          if (reference.secret) assert.ok(row.secret);
          for (const word of row.choices ?? []) {
            const known: boolean = reference.choices?.includes(word) ?? true;
            assert.ok(known, word);
          }
        });
      }
  });
}
