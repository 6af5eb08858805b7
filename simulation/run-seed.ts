import type { Guard } from './guards.ts';
import { promises, type Violation } from './judge.ts';
import { virtualTime } from './trace.ts';
import { World } from './world.ts';

export interface SeedOptions {
  readonly seed: number;
  readonly hours: number;
  readonly conductors: number;
  readonly machines: number;
  readonly without: readonly Guard[];
  readonly tell?: (line: string) => void;
}

export interface SeedResult {
  readonly seed: number;
  /** Of the trace: the same for every run of the seed. */
  readonly hash: string;
  readonly lines: number;
  readonly actions: number;
  readonly events: number;
  readonly answered: Readonly<Record<string, number>>;
  readonly virtualMilliseconds: number;
  readonly violation?: Violation & { readonly at: string; readonly trace: readonly string[] };
}

const hour = 3_600_000;
/** Every wait of a node has a limit far below this. */
const restHours = 6;
/** Timers that a conductor with nothing to do may have set. */
const timersAtRest = 80;

/** Lets the world of a seed live through its bad hours, heals it, and waits until all has come to rest. */
export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  await using world = await World.make({ ...options, without: new Set(options.without) });
  const begun = world.scheduler.now;
  const onRejection = (reason: unknown): void =>
    world.judge.breaks(
      'sound',
      null,
      `unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`,
    );
  process.on('unhandledRejection', onRejection);
  try {
    world.operators.start();
    world.chaos.start();
    world.follower.start();
    await world.pass(options.hours * hour);
    world.operators.rest();
    world.chaos.heal();
    await comeToRest(world);
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  const { violation } = world.judge;
  const virtualMilliseconds = world.scheduler.now - begun;
  return {
    seed: options.seed,
    hash: world.trace.hash,
    lines: world.trace.count,
    ...world.judge.judged,
    answered: world.operators.answered,
    virtualMilliseconds,
    ...(violation
      ? { violation: { ...violation, at: virtualTime(virtualMilliseconds), trace: world.trace.last } }
      : {}),
  };
}

async function comeToRest(world: World): Promise<void> {
  const end = world.scheduler.now + restHours * hour;
  // What was sent late has come by then.
  await world.pass(hour / 6);
  do {
    world.operators.endMaintenance();
    await world.pass(hour / 12);
  } while (!world.judge.violation && world.scheduler.now < end && !world.judge.isAtRest());
  if (world.judge.violation) return;
  world.judge.lookAtRest();
  const { events } = world.judge.judged;
  await world.pass(hour / 30);
  if (world.follower.last < events)
    world.judge.breaks('told', null, `a follower read ${world.follower.last} events of ${events}`);
  for (const { hostname, party } of world.conductors)
    if ((party?.timers ?? 0) > timersAtRest)
      world.judge.breaks('bounded', null, `${hostname} has ${party?.timers} timers with nothing to do`);
}

/** For people: what was broken, where, what came before, and how to see it again. */
export function tellViolation(options: SeedOptions, result: SeedResult): string {
  const { violation } = result;
  if (!violation) return '';
  const { seed, hours, conductors, machines, without } = options;
  const flags = without.map((guard) => ` --without ${guard}`).join('');
  return [
    `seed ${seed}: broken at ${violation.at}: ${promises[violation.promise]}`,
    `node ${violation.node ?? '-'}: ${violation.what}`,
    ...violation.trace.map((line) => `  ${line}`),
    `Again: npm run simulate -- --seed ${seed} --hours ${hours} --conductors ${conductors} --machines ${machines}${flags} --verbose`,
  ].join('\n');
}
