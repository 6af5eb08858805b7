// What came of the demo, as it is told in the end.
import type { MachineTimeline, Slowness } from './timeline.ts';
import type { Deployed, Erased } from './proof.ts';

export interface MachineResult {
  name: string;
  uuid: string | null;
  /** The last state seen. */
  state: string | null;
  deployed: Deployed | null;
  erased: Erased | null;
  timeline: MachineTimeline | null;
}

export interface Failed {
  /** Null: not of one machine alone. */
  machine: string | null;
  error: string;
  last_error: string | null;
}

export interface DemoResult {
  ok: boolean;
  seconds: number;
  /** Of the API, while it ran. */
  url: string | null;
  image: { bytes: number; sha256: string } | null;
  machines: MachineResult[];
  faster: Slowness[];
  /** Per machine, by [deploy]fast_track. */
  fast_track_saves_seconds: number;
  failures: Failed[];
  /** Where the logs are, when they were kept. */
  folder: string | null;
}
