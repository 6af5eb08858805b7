// What the demo shows while it runs, in three forms: a table that is redrawn, lines, or JSON.
import { jsonView } from './json-view.ts';
import { lineView } from './line-view.ts';
import { tableView } from './table-view.ts';
import type { DemoResult } from './result.ts';

/** A machine as it was seen last. */
export interface Sight {
  machine: string;
  uuid: string | null;
  state: string;
  /** Of the operation under way: null between operations. */
  step: string | null;
  progress: Progress | null;
  /** Since its enrolment began. */
  seconds: number;
}

export interface Progress {
  phase: string;
  bytesDone: number;
  bytesTotal: number | null;
  percent: number | null;
}

export interface View {
  heading(text: string): void;
  /** One line, or several. */
  say(text: string): void;
  /** Something was proved, or found not to be so. */
  proved(machine: string, sentence: string, isTrue: boolean): void;
  /** Called at each look, changed or not. */
  machine(sight: Sight): void;
  /** Nothing more comes of the machines shown so far. */
  settle(): void;
  /** The last word, on standard output or standard error. */
  end(result: DemoResult): void;
}

export function createView(options: { json: boolean }): View {
  if (options.json) return jsonView(process.stdout, process.stderr);
  return process.stdout.isTTY ? tableView(process.stdout) : lineView(process.stdout);
}
