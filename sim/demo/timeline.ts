// Where the time of a machine went, from the events that the service recorded.
import type { NodeEvent } from './bare-metal-client.ts';

export interface StepTime {
  operation: string;
  interface: string;
  step: string;
  seconds: number;
}

export interface MachineTimeline {
  /** Seconds in each state, all visits together, in the order of the first. The state it is in now is not among them. */
  states: Record<string, number>;
  /** In the order they ended. */
  steps: StepTime[];
}

/** A step that takes long: on average each time, its share of all steps' time, and why. */
export interface Slowness {
  operation: string;
  step: string;
  seconds: number;
  share: number;
  why: string;
}

/** Events in the order of their ids. */
export function timelineOf(events: readonly NodeEvent[]): MachineTimeline {
  const states: Record<string, number> = {};
  const steps: StepTime[] = [];
  let enteredAt: number | null = null;
  let operation = '';
  let begunAt = 0;
  for (const { kind, at, data } of events) {
    const now = Date.parse(at);
    switch (kind) {
      case 'node.created':
        enteredAt = now;
        break;
      case 'provision.transition': {
        const from = String(data['from']);
        states[from] = rounded((states[from] ?? 0) + (now - (enteredAt ?? now)) / 1000);
        enteredAt = now;
        break;
      }
      case 'operation.started':
        operation = String(data['kind']);
        begunAt = now;
        break;
      case 'step.started':
        begunAt = now;
        break;
      case 'step.finished':
        steps.push({
          operation,
          interface: String(data['interface']),
          step: String(data['step']),
          seconds: (now - begunAt) / 1000,
        });
        begunAt = now;
        break;
      default: // the other kinds take no time
    }
  }
  return { states, steps };
}

/** To the millisecond that events are written with. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

const booting = 'power, firmware, the boot medium and the start of the agent';
const goingOff = 'the BMC takes the machine off, the medium goes out';

/** Why a step takes as long as it does, by operation and step. */
const reasons: Readonly<Record<string, string>> = {
  'inspect.inspect': booting,
  'inspect.finish_inspection': goingOff,
  'clean.prepare_cleaning': booting,
  'clean.tear_down_cleaning': goingOff,
  'clean.erase_devices': 'every disk is given back to its device, else read and overwritten',
  'clean.erase_devices_metadata': 'an order to the agent, and a look when it is done',
  'deploy.deploy': booting,
  'deploy.write_image':
    "downloaded, written, flushed, read back; all machines share this host's disk and processors",
  'deploy.tear_down_agent': 'the agent writes out what is cached and switches its machine off',
  'deploy.boot_instance': 'the BMC starts the machine from its disk',
  'tear down.tear_down': goingOff,
};

/** The steps that most of the time goes to, over all machines, the longest first. */
export function slowestSteps(timelines: readonly MachineTimeline[], most: number): Slowness[] {
  const sums = new Map<string, { operation: string; step: string; seconds: number; times: number }>();
  let all = 0;
  for (const { operation, step, seconds } of timelines.flatMap(({ steps }) => steps)) {
    const key = `${operation}.${step}`;
    const sum = sums.get(key) ?? { operation, step, seconds: 0, times: 0 };
    sums.set(key, { ...sum, seconds: sum.seconds + seconds, times: sum.times + 1 });
    all += seconds;
  }
  return [...sums.values()]
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, most)
    .map(({ operation, step, seconds, times }) => ({
      operation,
      step,
      seconds: rounded(seconds / times),
      share: rounded(seconds / all),
      why: reasons[`${operation}.${step}`] ?? 'the work of the step itself',
    }));
}

/** What only starts a machine anew, or takes it off in between, when an agent ran on it already. */
const betweenAgents: ReadonlySet<string> = new Set([
  'inspect.finish_inspection',
  'clean.prepare_cleaning',
  'clean.tear_down_cleaning',
  'deploy.deploy',
]);

/** Seconds per machine, on average, that one agent from inspection to deployment would save. */
export function fastTrackSaving(timelines: readonly MachineTimeline[]): number {
  const saved = timelines.map(({ steps }) => {
    // What comes after the deployment is another start of the machine in any case.
    const end = steps.findIndex(({ operation, step }) => operation === 'deploy' && step === 'write_image');
    return steps
      .slice(0, Math.max(0, end))
      .filter(({ operation, step }) => betweenAgents.has(`${operation}.${step}`))
      .reduce((sum, { seconds }) => sum + seconds, 0);
  });
  return rounded(saved.reduce((sum, each) => sum + each, 0) / Math.max(1, saved.length));
}
