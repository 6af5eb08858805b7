// The reference pages that come from the tables of the code: `node tools/reference-pages.ts` writes them, and a test
// fails when one is not what its table says.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Option } from '#config/option.ts';
import { options } from '#config/options.ts';
import { allProvisionStates, provisionTransitions, stateRow } from '#model/provision-states.ts';
import { allProvisionVerbs, provisionVerbs } from '#model/provision-verbs.ts';
import { versionText } from '#model/microversion.ts';

/** Every page by its path in the repository. */
export const referencePages: Readonly<Record<string, () => string>> = {
  'docs/operators/configuration.md': configurationPage,
  'docs/operators/provision-states.md': provisionStatesPage,
};

function configurationPage(): string {
  const table: Readonly<Record<string, Readonly<Record<string, Option<unknown>>>>> = options;
  const groups = Object.entries(table).map(([group, rows]) => {
    const lines = Object.entries(rows).map(
      ([name, row]) =>
        `| \`${name}\` | ${row.kind} | ${shown(row.default)} | ${row.meaning}${deviation(row)} |`,
    );
    return `## [${group}]\n\n| option | type | default | meaning |\n|---|---|---|---|\n${lines.join('\n')}\n`;
  });
  return page(
    'Configuration',
    'For operators. `npm start -- --config FILE` reads a file in the form of Ironic: INI, with its groups and names. ' +
      'An option that is not used is told of once at the start; a value that cannot be is refused with the line it stands on. ' +
      'Durations are seconds and may have fractions.',
    groups,
  );
}

function deviation(row: Option<unknown>): string {
  return row.ironic ? ` *(Ironic: ${shown(row.ironic.default)}; ${row.ironic.why}.)*` : '';
}

function shown(value: unknown): string {
  if (value === null || value === '') return 'none';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function provisionStatesPage(): string {
  const states = allProvisionStates.map((state) => {
    const row = stateRow(state);
    const limit = row.timeout ? `\`[conductor] ${row.timeout.option}\`` : '';
    const { ironic, ingot } = row.whenConductorDies;
    return `| ${state} | ${row.kind} | ${row.target ?? ''} | ${row.heartbeat} | ${limit} | ${ingot} (Ironic: ${ironic}) |`;
  });
  const verbs = allProvisionVerbs.map((name) => {
    const verb = provisionVerbs[name];
    return `| ${name} | ${versionText(verb.since)} | ${verb.allowedFrom.join(', ')} |`;
  });
  const moves = provisionTransitions.map(({ from, event, to }) => `| ${from} | ${event} | ${to} |`);
  return page(
    'Provision states',
    'For operators and API users: what a node can be in the middle of, and what may happen to it there.',
    [
      `## States\n\nWhat a heartbeat of the agent means in a state, what limits the stay, and what becomes of it when the conductor dies.\n\n| state | kind | on the way to | heartbeat | limit | dead conductor |\n|---|---|---|---|---|---|\n${states.join('\n')}\n`,
      `## Verbs\n\n\`PUT /v1/nodes/X/states/provision {"target": VERB}\`.\n\n| verb | since | allowed in |\n|---|---|---|\n${verbs.join('\n')}\n`,
      `## Transitions\n\n| from | event | to |\n|---|---|---|\n${moves.join('\n')}\n`,
    ],
  );
}

function page(title: string, introduction: string, parts: readonly string[]): string {
  return `# ${title}\n\n${introduction}\n\nWritten from the tables of the code by \`tools/reference-pages.ts\`.\n\n${parts.join('\n')}`;
}

if (import.meta.main) {
  for (const [path, write] of Object.entries(referencePages)) {
    writeFileSync(join(import.meta.dirname, '..', path), write());
  }
}
