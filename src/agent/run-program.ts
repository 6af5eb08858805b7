// External programs: by argument list, never through a shell, with a time limit and bounded output.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A program that is not there, ended badly or took too long. */
export class ProgramFailed extends Error {
  readonly isMissing: boolean;
  constructor(program: string, cause: unknown) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const stderr =
      cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().slice(0, 500) : '';
    super(isMissing ? `${program} is not installed` : `${program} failed${stderr && `: ${stderr}`}`, {
      cause,
    });
    this.isMissing = isMissing;
  }
}

/** What the program wrote to its standard output. @throws ProgramFailed */
export async function runProgram(
  program: string,
  args: string[],
  { timeoutSeconds = 60 }: { timeoutSeconds?: number } = {},
): Promise<string> {
  try {
    const { stdout } = await execute(program, args, {
      timeout: timeoutSeconds * 1000,
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    throw new ProgramFailed(program, error);
  }
}

/** As runProgram, or null when the program is missing or fails: for facts one can do without. */
export async function askProgram(program: string, args: string[]): Promise<string | null> {
  try {
    return await runProgram(program, args);
  } catch {
    return null;
  }
}
