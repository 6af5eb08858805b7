// Counts what happens in this process, for Prometheus. Passed in as a part; where it is absent nothing is counted.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { gaugeTable, metricTable } from './metric-table.ts';

type Rows = typeof metricTable;
type NamesOf<Kind> = { [Name in keyof Rows]: Rows[Name]['kind'] extends Kind ? Name : never }[keyof Rows];
export type HistogramName = NamesOf<'histogram'>;
export type CounterName = NamesOf<'counter'>;
export type GaugeName = keyof typeof gaugeTable;

type LabelsOf<Name extends keyof Rows> = Record<Rows[Name]['labels'][number], string>;
type GaugeLabels<Name extends GaugeName> = Record<(typeof gaugeTable)[Name]['labels'][number], string>;

export interface Metrics {
  /** Notes how long something took. */
  observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, seconds: number): void;
  count<Name extends CounterName>(name: Name, labels: LabelsOf<Name>): void;
  /** `look` is called whenever somebody asks; one that throws gives no value that time. */
  gauge<Name extends GaugeName>(name: Name, look: () => Values<Name> | Promise<Values<Name>>): void;
  /** Everything, as Prometheus reads it. */
  text(): Promise<string>;
  readonly contentType: string;
}

export type Values<Name extends GaugeName> = readonly { labels: GaugeLabels<Name>; value: number }[];

export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const counters = new Map<string, Counter | Histogram>();
  for (const [name, row] of Object.entries(metricTable)) {
    const { help, labels: labelNames } = row;
    const options = { name, help, labelNames: [...labelNames], registers };
    const metric =
      row.kind === 'counter'
        ? new Counter(options)
        : new Histogram({ ...options, buckets: [...row.buckets] });
    counters.set(name, metric);
  }
  const bounded = boundSeries();
  return {
    observe(name, labels, seconds) {
      const histogram = counters.get(name);
      if (histogram instanceof Histogram) histogram.observe(bounded(name, labels), seconds);
    },
    count(name, labels) {
      const counter = counters.get(name);
      if (counter instanceof Counter) counter.inc(bounded(name, labels));
    },
    gauge(name, look) {
      const { help, labels } = gaugeTable[name];
      // oxlint-disable-next-line no-new -- it adds itself to the registry
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        async collect() {
          this.reset();
          try {
            for (const { labels: of, value } of await look()) this.set(of, value);
          } catch {
            // Without the store there is nothing to say; all else is told.
          }
        },
      });
    },
    text: async () => await registry.metrics(),
    contentType: registry.contentType,
  };
}

/** So many series a metric has at most: agents name their steps as they like, and each series is kept for good. */
const mostSeries = 1000;
const others = 'others';

/** The labels under which to count: once a metric has as many series as it may, whatever is new is counted together. */
function boundSeries(): (name: string, labels: Record<string, string>) => Record<string, string> {
  const known = new Map<string, Set<string>>();
  return (name, labels) => {
    const series = known.get(name) ?? new Set();
    known.set(name, series);
    const key = Object.values(labels).join('\n');
    if (series.has(key)) return labels;
    if (series.size >= mostSeries)
      return Object.fromEntries(Object.keys(labels).map((each) => [each, others]));
    series.add(key);
    return labels;
  };
}
