import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BenchError } from './bench-error.ts';
import { describeCrowd, runCrowd } from './crowd.ts';
import { readOptions } from './options.ts';
import { phaseNames } from './phases.ts';
import { describeComparison, describeRun, table } from './report.ts';
import { runBench } from './run.ts';
import { startIngot } from './targets.ts';

function optionsFor(...args: string[]) {
  const options = readOptions(args);
  assert.ok(options !== 'help');
  return options;
}

const small = ['--nodes', '5', '--lifecycle', '2', '--seconds', '0.1', '--quiet-wait', '0'];

test('every phase of a small run against the real service gives numbers', async () => {
  const told: string[] = [];
  const { runs } = await runBench(optionsFor(...small), (line) => told.push(line));
  assert.equal(told.length, phaseNames.length);
  const [run] = runs;
  assert.ok(run && runs.length === 1);
  assert.deepEqual(
    run.phases.map((one) => one.phase),
    phaseNames,
  );
  for (const one of run.phases) {
    assert.ok(one.operations > 0 && one.perSecond > 0, `${one.phase} did nothing`);
    assert.ok(Number.isFinite(one.cpuMilliseconds) && one.cpuMilliseconds >= 0);
    assert.ok(one.othersShare >= 0 && one.othersShare <= 1);
  }
  assert.ok(run.startSeconds !== null && run.startSeconds > 0);
  assert.ok(run.memoryAfter.residentMegabytes > 0);
  assert.match(describeRun(run), /^ingot, round 1: 7 nodes/);
  assert.match(describeComparison(runs, runs), /^root .* 1\.0 x/m);
});

test('a server that runs already is left without the nodes of the measurement', async () => {
  const target = await startIngot();
  try {
    const args = ['--url', target.url, '--pids', target.pids.join(), ...small, '--only', 'show,manage'];
    const { runs } = await runBench(optionsFor(...args), () => {});
    assert.deepEqual(
      runs[0]?.phases.map((one) => one.phase),
      ['show', 'manage'],
    );
    const left: unknown = await (await fetch(`${target.url}/v1/nodes`)).json();
    assert.deepEqual(left, { nodes: [] });
  } finally {
    await target.stop();
  }
});

test('a small crowd deploys while it is watched, and streams tell of every change', async () => {
  const { deployments, streams } = await runCrowd({ count: 5, seconds: 0.5, deploySeconds: 0.5 }, () => {});
  assert.equal(deployments.count, 5);
  assert.ok(deployments.show.asked > 0 && deployments.longestSilenceSeconds >= 0);
  assert.ok(streams.framesHeard >= 5, 'no stream heard of the first change');
  assert.match(describeCrowd({ deployments, streams }), /^5 deployments at once: done in/);
});

for (const [args, sentence] of [
  [['--url', 'http://127.0.0.1:1'], /--url and --pids go together/],
  [['--only', 'show,nothing'], /no phase 'nothing'/],
  [['--nodes', 'many'], /--nodes takes a whole number/],
  [['--lifecycle', '1001'], /--lifecycle takes a whole number from 0 to 1000/],
  [['--seconds', '0'], /--seconds takes a number of seconds/],
  [['--fast'], /Unknown option '--fast'/],
] as const)
  test(`bad options are one clear sentence: ${args.join(' ')}`, () => {
    assert.throws(() => readOptions([...args]), { name: BenchError.name, message: sentence });
  });

test('a table sets the first column to the left and numbers to the right', () => {
  assert.equal(
    table([
      ['a', 'b'],
      ['long', '10'],
    ]),
    'a      b\nlong  10',
  );
});
