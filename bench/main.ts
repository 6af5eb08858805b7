// Measures the API and the conductor of Ingot, of the reference, or of any server that speaks the same API.
import { readFile } from 'node:fs/promises';
import { BenchError } from './bench-error.ts';
import { describeCrowd, runCrowd } from './crowd.ts';
import { type BenchOptions, readOptions, usage } from './options.ts';
import { describeComparison, describeRun, type Result, type Run } from './report.ts';
import { runBench } from './run.ts';
import { describeScale, runScale } from './scale.ts';

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}

async function main(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return;
  }
  const earlier = options.compare === null ? [] : await readResult(options.compare);
  // The reference would outlive a bench that simply died.
  const stopped = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stopped.abort(new BenchError('Stopped before the end.')));
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  if (options.crowd !== null || options.scale) {
    await runInstead(options, tell);
    return;
  }
  const result = await runBench(options, tell, stopped.signal);
  if (options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else process.stdout.write(`${result.runs.map(describeRun).join('\n\n')}\n`);
  // With --json standard output is the result alone.
  const output = options.json ? process.stderr : process.stdout;
  const isReference = (run: Run): boolean => run.target.startsWith('reference');
  const ours = result.runs.filter((run) => !isReference(run));
  const reference = result.runs.filter(isReference);
  if (reference.length > 0) output.write(`\n${describeComparison(ours, reference)}\n`);
  for (const target of new Set(earlier.map((run) => run.target)))
    output.write(
      `\n${describeComparison(
        ours,
        earlier.filter((run) => run.target === target),
      )}\n`,
    );
}

/** What measures something else than the phases: a crowd, or a fleet. */
async function runInstead(options: BenchOptions, tell: (line: string) => void): Promise<void> {
  const show = (result: unknown, words: string): void =>
    void process.stdout.write(`${options.json ? JSON.stringify(result, null, 2) : words}\n`);
  if (options.crowd !== null) {
    const crowd = await runCrowd({ count: options.crowd, seconds: options.seconds }, tell);
    show(crowd, describeCrowd(crowd));
  }
  if (options.scale) {
    const costs = await runScale(options, tell);
    show(costs, describeScale(costs));
  }
}

async function readResult(path: string): Promise<Run[]> {
  try {
    // Written by --json of this program; anything else fails below and is said so.
    const { runs } = JSON.parse(await readFile(path, 'utf8')) as Result;
    if (!Array.isArray(runs)) throw new Error('it has no runs');
    return runs;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BenchError(`${path} is no result of an earlier --json: ${reason}`, { cause });
  }
}
