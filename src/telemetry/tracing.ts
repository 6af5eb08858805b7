// What belongs together across processes, for OpenTelemetry. A tracer is passed in as a part; where it is absent
// nothing is traced, and nothing loaded for it. A place in a trace is told as W3C's `traceparent` header tells it.

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanFacts {
  readonly name: string;
  /** `server`: somebody else asked for it. `client`: somebody else is asked. */
  readonly kind: 'server' | 'client' | 'internal';
  readonly attributes?: Attributes;
}

/** Something that takes time, while it does. */
export interface Span {
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** Whatever begins in `work` belongs to this span. */
  during<T>(work: () => T): T;
  /** `failure`: what was thrown, or the HTTP status that says the same. Call it once. */
  end(failure?: unknown): void;
}

/** Something that is over, and whose own place in the trace was told to others before. */
export interface PastSpan extends SpanFacts {
  readonly traceparent: string;
  readonly parent: string;
  /** In milliseconds since the epoch. */
  readonly begun: number;
  readonly ended: number;
  readonly failure?: unknown;
}

export interface Tracer extends AsyncDisposable {
  /** The place in a trace of whoever asks; undefined in none. */
  readonly place: string | undefined;
  /** Begins a span within `parent`, which came from elsewhere; without one, within the caller's place, or a new trace. */
  begin(facts: SpanFacts, parent?: string): Span;
  /** Whatever begins in `work` belongs to that place, and to none where it is undefined. */
  at<T>(traceparent: string | undefined, work: () => T): T;
  tell(span: PastSpan): void;
}

/** Does something within a span, which it ends however it goes. */
export async function traced<T>(
  tracer: Tracer | undefined,
  facts: SpanFacts,
  work: (span: Span | undefined) => Promise<T>,
  parent?: string,
): Promise<T> {
  if (!tracer) return await work(undefined);
  const span = tracer.begin(facts, parent);
  try {
    const result = await span.during(async () => await work(span));
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** What a `traceparent` says (W3C Trace Context §3.2.2). */
export interface TracePlace {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

const traceparentForm =
  /^(?<version>[0-9a-f]{2})-(?<trace>[0-9a-f]{32})-(?<span>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<more>-.*)?$/;

/** Undefined for what is no traceparent: then the header is as if it were not there. */
export function readTraceparent(text: unknown): TracePlace | undefined {
  const { version, trace, span, flags, more } = traceparentForm.exec(String(text))?.groups ?? {};
  if (!version || !trace || !span || !flags) return undefined;
  // A later version may say more after what this one knows.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(trace) || /^0+$/.test(span)) return undefined;
  return { traceId: trace, spanId: span, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function writeTraceparent({ traceId, spanId, isSampled }: TracePlace): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
