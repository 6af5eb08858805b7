import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Guard, guards } from './guards.ts';
import { runSeed, type SeedOptions, tellViolation } from './run-seed.ts';

/** Smaller than `npm run simulate` has it, with as much going wrong. */
const small = { hours: 1, conductors: 3, machines: 16, without: [] } as const;
const seeds = Array.from({ length: 10 }, (_none, index) => index + 1);
/** The seeds that were seen to show what each guard is for; the others come after, should the product have changed. */
const telling: Readonly<Record<Guard, readonly number[]>> = {
  fence: [2, 6],
  'read-back': [5, 4],
  'commit-before-tell': [5, 4],
};

describe('a control plane in virtual time, with everything going wrong', { concurrency: false }, () => {
  for (const seed of seeds)
    test(`keeps its promises with seed ${seed}`, async () => {
      const options: SeedOptions = { ...small, seed };
      const result = await runSeed(options);
      assert.equal(tellViolation(options, result), '');
      // A run in which nothing was done would break nothing.
      assert.ok(result.actions > 20 && result.events > 200, JSON.stringify(result));
    });

  test('does the same again with the same seed, and something else with another', async () => {
    const [first, again, other] = [
      await runSeed({ ...small, seed: 11 }),
      await runSeed({ ...small, seed: 11 }),
      await runSeed({ ...small, seed: 12 }),
    ];
    assert.deepEqual(again, first);
    assert.notEqual(other.hash, first.hash);
  });
});

describe('without a guard', { concurrency: false }, () => {
  for (const guard of guards)
    test(`a promise is broken: ${guard}`, async () => {
      assert.ok(await findBroken(guard), `no seed of ${seeds.join(', ')} shows what ${guard} is for`);
    });
});

async function findBroken(guard: Guard): Promise<boolean> {
  for (const seed of new Set([...telling[guard], ...seeds])) {
    const options: SeedOptions = { ...small, hours: 2, machines: 30, seed, without: [guard] };
    const { violation } = await runSeed(options);
    if (violation) return true;
  }
  return false;
}
