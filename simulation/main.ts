// npm run simulate: as many seeds as are asked for, and what became of each.
import { fork } from 'node:child_process';
import { type Options, readOptions } from './options.ts';
import { runSeed, type SeedOptions, type SeedResult, tellViolation } from './run-seed.ts';

function optionsOf(seed: number, { hours, conductors, machines, without, verbose }: Options): SeedOptions {
  return {
    seed,
    hours,
    conductors,
    machines,
    without,
    ...(verbose ? { tell: (line: string) => console.log(line) } : {}),
  };
}

/** A process that runs the seeds it is sent, one after the other. */
function serveSeeds(options: Options): void {
  process.on('message', (seed: number) => {
    void runSeed(optionsOf(seed, options)).then((result) => process.send?.(result));
  });
}

async function runInProcesses(seeds: readonly number[], options: Options): Promise<void> {
  const left = seeds.values();
  await Promise.all(
    Array.from({ length: options.jobs }, async () => {
      const worker = fork(import.meta.filename, process.argv.slice(2), {
        env: { ...process.env, SEEDS: '1' },
      });
      for (const seed of left) {
        const { promise, resolve, reject } = Promise.withResolvers<SeedResult>();
        worker.once('message', resolve);
        worker.once('exit', () => reject(new Error(`The process of seed ${seed} ended`)));
        worker.send(seed);
        tell(await promise, options);
        worker.removeAllListeners();
      }
      worker.kill();
    }),
  );
}

let broken = 0;
let virtualMilliseconds = 0;

function tell(result: SeedResult, options: Options): void {
  virtualMilliseconds += result.virtualMilliseconds;
  const answers = Object.entries(result.answered).map(([status, count]) => `${status}×${count}`);
  console.log(
    `seed ${result.seed}: ${result.violation ? 'BROKEN' : 'kept'}, ${result.lines} lines, ${result.events} events, ` +
      `${result.actions} actions, answers ${answers.join(' ')}, trace ${result.hash}`,
  );
  if (!result.violation) return;
  broken += 1;
  console.log(tellViolation(optionsOf(result.seed, options), result));
}

async function runAll(options: Options): Promise<void> {
  const begun = performance.now();
  const seeds = Array.from({ length: options.seeds }, (_none, index) => options.seed + index);
  if (options.jobs > 1) await runInProcesses(seeds, options);
  else for (const seed of seeds) tell(await runSeed(optionsOf(seed, options)), options);
  const hours = (virtualMilliseconds / 3_600_000).toFixed(1);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  const count = seeds.length === 1 ? '1 seed' : `${seeds.length} seeds`;
  console.log(`${count}, ${hours} virtual hours (coming to rest included) in ${seconds} s: ${broken} broken`);
  process.exitCode = broken > 0 ? 1 : 0;
}

const options = readOptions(process.argv.slice(2));
if ('says' in options) {
  (options.status === 0 ? process.stdout : process.stderr).write(options.says);
  process.exitCode = options.status;
} else if (process.env['SEEDS'] !== undefined && process.send) serveSeeds(options);
else await runAll(options);
