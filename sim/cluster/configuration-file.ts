/** Settings as they stand in the file: group, option, value. */
export type Configuration = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** One configuration of several: of an option that stands in two, the later one's value holds. */
export function merged(...configurations: readonly Configuration[]): Configuration {
  const groups: Record<string, Record<string, string | number | boolean>> = {};
  for (const configuration of configurations)
    for (const [group, options] of Object.entries(configuration))
      groups[group] = { ...groups[group], ...options };
  return groups;
}

/** The text of a file that says so. */
export function configurationText(configuration: Configuration): string {
  return Object.entries(configuration)
    .map(([group, options]) => [
      `[${group}]`,
      ...Object.entries(options).map(([name, value]) => `${name} = ${value}`),
    ])
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}
