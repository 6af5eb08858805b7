// Every metric: a row each. What is not here cannot be counted.

interface MetricRow {
  readonly kind: 'counter' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Of a histogram, in seconds. */
  readonly buckets?: readonly number[];
}

const quick = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const long = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200];

export const metricTable = {
  ingot_api_request_seconds: {
    kind: 'histogram',
    help: 'How long requests of the API took, by the template of their route.',
    labels: ['method', 'route', 'status'],
    buckets: quick,
  },
  ingot_store_write_seconds: {
    kind: 'histogram',
    help: 'How long writes to the store took, with their wait for the line before them.',
    labels: ['outcome'],
    buckets: quick,
  },
  ingot_operation_seconds: {
    kind: 'histogram',
    help: 'How long operations took from their acceptance to their end.',
    labels: ['kind', 'state'],
    buckets: long,
  },
  ingot_step_seconds: {
    kind: 'histogram',
    help: 'How long one run of a step kept a worker.',
    labels: ['operation', 'interface', 'step', 'outcome'],
    buckets: [...quick, ...long.slice(3, 10)],
  },
  ingot_bmc_request_seconds: {
    kind: 'histogram',
    help: 'How long BMCs took for one piece of work, or until it was given up.',
    labels: ['outcome'],
    buckets: [...quick, 30, 60, 120],
  },
  ingot_heartbeats_total: { kind: 'counter', help: 'Heartbeats of agents that were taken.', labels: [] },
  ingot_lock_waits_total: {
    kind: 'counter',
    help: 'Tries to take a node that somebody else held.',
    labels: ['outcome'],
  },
  ingot_periodic_task_seconds: {
    kind: 'histogram',
    help: 'How long runs of periodic tasks took.',
    labels: ['task', 'outcome'],
    buckets: [...quick, 30, 60, 120, 300],
  },
} as const satisfies Record<string, MetricRow>;

/** What is looked up when somebody asks: a row each, and who knows it says its value. */
export const gaugeTable = {
  ingot_event_streams: { help: 'Streams of events that are open.', labels: [] },
  ingot_store_writes_open: { help: 'Writes to the store that wait or are under way.', labels: [] },
  ingot_worker_load: { help: 'Jobs that run or wait on this conductor.', labels: [] },
  ingot_worker_size: { help: 'How many jobs this conductor runs at once.', labels: [] },
  ingot_bmc_left_alone: { help: 'BMCs that are left alone because they did not answer.', labels: [] },
  ingot_operations_open: {
    help: 'Operations that are open in the whole fleet.',
    labels: ['kind', 'state', 'waits_for'],
  },
} as const satisfies Record<string, { help: string; labels: readonly string[] }>;
