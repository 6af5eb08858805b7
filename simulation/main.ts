// npm run simulate -- --seed N --hours H [--seeds K] [--conductors 3] [--machines 200] [--without GUARD] [--jobs J] [--verbose]
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Guard, guards } from './guards.ts';
import { runSeed, type SeedOptions, type SeedResult, tellViolation } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    hours: { type: 'string', default: '5' },
    conductors: { type: 'string', default: '3' },
    machines: { type: 'string', default: '200' },
    without: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});

function optionsOf(seed: number): SeedOptions {
  const without = values.without.filter((name): name is Guard => guards.some((guard) => guard === name));
  if (without.length < values.without.length) throw new Error(`--without takes one of ${guards.join(', ')}`);
  return {
    seed,
    hours: Number(values.hours),
    conductors: Number(values.conductors),
    machines: Number(values.machines),
    without,
    ...(values.verbose ? { tell: (line: string) => console.log(line) } : {}),
  };
}

/** A process that runs the seeds it is sent, one after the other. */
function serveSeeds(): void {
  process.on('message', (seed: number) => {
    void runSeed(optionsOf(seed)).then((result) => process.send?.(result));
  });
}

async function runInProcesses(seeds: readonly number[], jobs: number): Promise<void> {
  const left = seeds.values();
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      const worker = fork(import.meta.filename, process.argv.slice(2), {
        env: { ...process.env, SEEDS: '1' },
      });
      for (const seed of left) {
        const { promise, resolve, reject } = Promise.withResolvers<SeedResult>();
        worker.once('message', resolve);
        worker.once('exit', () => reject(new Error(`The process of seed ${seed} ended`)));
        worker.send(seed);
        tell(await promise);
        worker.removeAllListeners();
      }
      worker.kill();
    }),
  );
}

let broken = 0;
let virtualMilliseconds = 0;

function tell(result: SeedResult): void {
  virtualMilliseconds += result.virtualMilliseconds;
  const answers = Object.entries(result.answered).map(([status, count]) => `${status}×${count}`);
  console.log(
    `seed ${result.seed}: ${result.violation ? 'BROKEN' : 'kept'}, ${result.lines} lines, ${result.events} events, ` +
      `${result.actions} actions, answers ${answers.join(' ')}, trace ${result.hash}`,
  );
  if (!result.violation) return;
  broken += 1;
  console.log(tellViolation(optionsOf(result.seed), result));
}

if (process.env['SEEDS'] !== undefined && process.send) serveSeeds();
else {
  const begun = performance.now();
  const first = Number(values.seed);
  const seeds = Array.from({ length: Number(values.seeds) }, (_none, index) => first + index);
  const jobs = Number(values.jobs);
  if (jobs > 1) await runInProcesses(seeds, jobs);
  else for (const seed of seeds) tell(await runSeed(optionsOf(seed)));
  const hours = (virtualMilliseconds / 3_600_000).toFixed(1);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${seeds.length} seeds, ${hours} virtual hours in ${seconds} s: ${broken} broken`);
  process.exitCode = broken > 0 ? 1 : 0;
}
