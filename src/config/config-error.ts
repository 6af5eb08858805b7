// What is wrong with a configuration, in one sentence that an operator can act on.

export interface ConfigProblem {
  /** What is wrong, and what would be right. Holds the offending value only when that is no secret. */
  readonly problem: string;
  readonly file?: string;
  readonly line?: number;
  readonly group?: string;
  readonly option?: string;
}

/** A configuration that cannot be used. Its message is all an operator needs: where, which option, what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problem: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly group: string | undefined;
  readonly option: string | undefined;

  constructor({ problem, file, line, group, option }: ConfigProblem, options?: ErrorOptions) {
    const place = file === undefined ? '' : line === undefined ? `${file}: ` : `${file}:${line}: `;
    const what = option === undefined ? '' : `[${group}] ${option} `;
    super(`${place}${what}${problem}`, options);
    this.problem = problem;
    this.file = file;
    this.line = line;
    this.group = group;
    this.option = option;
  }
}
