// Results as a person reads them, and beside the results of another server.
import type { Measurement } from './measure.ts';
import type { Memory } from './processes.ts';
import { rangeOf } from './statistics.ts';

/** One server, measured once. */
export interface Run {
  target: string;
  round: number;
  startSeconds: number | null;
  memoryEmpty: Memory;
  memoryAfter: Memory;
  nodes: number;
  phases: Measurement[];
}

export interface Result {
  processors: number;
  runs: Run[];
}

/** A table of one run. */
export function describeRun(run: Run): string {
  const rows = run.phases.map((one) => {
    const isLife = one.p50 === null;
    return [
      one.phase,
      isLife ? `${(one.perSecond * 60).toFixed(0)} /min` : `${one.perSecond.toFixed(1)} /s`,
      milliseconds(one.p50),
      milliseconds(one.p99),
      one.cpuMilliseconds.toFixed(2),
      one.bytes === null ? '' : `${(one.bytes / 1000).toFixed(0)} kB`,
      one.residentMegabytes.toFixed(0),
      `${(one.othersShare * 100).toFixed(0)} %`,
      one.calibrationMilliseconds.toFixed(0),
      String(one.retries || ''),
    ];
  });
  const head = [
    'phase',
    'rate',
    'p50 ms',
    'p99 ms',
    'CPU ms/op',
    'answer',
    'others',
    'calibr. ms',
    'retries',
  ];
  const start = run.startSeconds === null ? '' : `, first answer after ${run.startSeconds.toFixed(2)} s`;
  return [
    `${run.target}, round ${run.round}: ${run.nodes} nodes${start}`,
    table([head, ...rows]),
    `memory: empty ${describeMemory(run.memoryEmpty)}; in the end ${describeMemory(run.memoryAfter)}`,
  ].join('\n');
}

/** How many times less processor time `ours` takes than `theirs`, phase by phase. */
export function describeComparison(ours: readonly Run[], theirs: readonly Run[]): string {
  const names = [...new Set(ours.flatMap((run) => run.phases.map((one) => one.phase)))];
  const rows = names.flatMap((phase) => {
    const [mine, other] = [cpuRange(ours, phase), cpuRange(theirs, phase)];
    if (!mine || !other) return [];
    return [
      [
        phase,
        describeRange(other),
        describeRange(mine),
        `${(other.least / mine.least).toFixed(1)} x`,
        `${(other.least / mine.greatest).toFixed(1)} x`,
      ],
    ];
  });
  const head = ['CPU ms/op', theirs[0]?.target ?? '', ours[0]?.target ?? '', 'best to best', 'best to worst'];
  return table([head, ...rows]);
}

function cpuRange(runs: readonly Run[], phase: string) {
  return rangeOf(
    runs.flatMap((run) => run.phases.filter((one) => one.phase === phase).map((one) => one.cpuMilliseconds)),
  );
}

function describeRange({ least, greatest }: { least: number; greatest: number }): string {
  return least === greatest ? least.toFixed(2) : `${least.toFixed(2)} to ${greatest.toFixed(2)}`;
}

function describeMemory({ residentMegabytes, proportionalMegabytes }: Memory): string {
  return `RSS ${residentMegabytes.toFixed(0)} MB, PSS ${proportionalMegabytes.toFixed(0)} MB`;
}

function milliseconds(value: number | null): string {
  if (value === null) return '-';
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

/** Columns side by side: the first to the left, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
