// A tracer that sends what it is told to a collector, by OTLP over HTTP. Loaded only where a collector is named.
import {
  type Context,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type IdGenerator,
  ParentBasedSampler,
  RandomIdGenerator,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { messageOf } from '#model/message.ts';
import { hideInUrls } from '#model/secrets.ts';
import { type Attributes, readTraceparent, type Span, type Tracer, writeTraceparent } from './tracing.ts';

export interface OtlpOptions {
  /** Where traces are posted to, with the path. */
  readonly url: string;
  /** What tells this process from others: `service.name` and the like. */
  readonly resource: Attributes;
  /** Called when the collector cannot be told, and with undefined when it can be again. */
  readonly onTrouble: (error: Error | undefined) => void;
}

/** So many spans wait at most to be sent; more are dropped, so that a collector that is away costs no memory. */
const queueLimit = 8192;
const sendMilliseconds = 5000;
/** How long the end of the process waits for what is still to be sent. */
const flushMilliseconds = 5000;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

export function createOtlpTracer({ url, resource, onTrouble }: OtlpOptions): Tracer {
  const exporter = watched(new OTLPTraceExporter({ url, timeoutMillis: sendMilliseconds }), onTrouble);
  const ids = new GivenIds();
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resource),
    idGenerator: ids,
    // Who began a trace says whether it is kept.
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: queueLimit })],
  });
  const tracer = provider.getTracer('ingot');
  const contexts = new AsyncLocalStorageContextManager().enable();
  return {
    get place() {
      const context = trace.getSpanContext(contexts.active());
      return context && asTraceparent(context);
    },
    begin({ name, kind, attributes = {} }, parent) {
      const within = (parent !== undefined && contextAt(parent)) || contexts.active();
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes: { ...attributes } }, within);
      return asSpan(span, (work) => contexts.with(trace.setSpan(within, span), work));
    },
    at(traceparent, work) {
      return contexts.with((traceparent !== undefined && contextAt(traceparent)) || ROOT_CONTEXT, work);
    },
    tell({ name, kind, attributes = {}, traceparent, parent, begun, ended, failure }) {
      const within = contextAt(parent);
      const place = readTraceparent(traceparent);
      if (!within || !place) return;
      const options = { kind: kinds[kind], attributes: { ...attributes }, startTime: begun };
      const span = ids.giving(place.spanId, () => tracer.startSpan(name, options, within));
      if (failure !== undefined) markFailed(span, failure);
      span.end(ended);
    },
    async [Symbol.asyncDispose]() {
      const over = Promise.withResolvers<void>();
      const limit = setTimeout(over.resolve, flushMilliseconds);
      // What could not be sent was told by `onTrouble`.
      await Promise.race([provider.shutdown().catch(() => {}), over.promise]);
      clearTimeout(limit);
      contexts.disable();
    },
  };
}

/** Gives a span the id by which others know it already. */
class GivenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #given: string | undefined;

  generateTraceId(): string {
    return this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#given ?? this.#random.generateSpanId();
  }

  giving<T>(spanId: string, begin: () => T): T {
    this.#given = spanId;
    try {
      return begin();
    } finally {
      this.#given = undefined;
    }
  }
}

function contextAt(traceparent: string): Context | undefined {
  const place = readTraceparent(traceparent);
  if (!place) return undefined;
  const { traceId, spanId, isSampled } = place;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function asTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return writeTraceparent({ traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
}

function asSpan(span: OtelSpan, during: Span['during']): Span {
  return {
    traceparent: asTraceparent(span.spanContext()),
    set: (attributes) => void span.setAttributes({ ...attributes }),
    during,
    end(failure) {
      if (failure !== undefined) markFailed(span, failure);
      span.end();
    },
  };
}

function markFailed(span: OtelSpan, failure: unknown): void {
  const code = SpanStatusCode.ERROR;
  if (typeof failure === 'number') {
    span.setAttribute('error.type', String(failure));
    span.setStatus({ code });
    return;
  }
  span.setAttribute('error.type', failure instanceof Error ? failure.name : 'Error');
  span.setStatus({ code, message: hideInUrls(messageOf(failure)) });
}

/** Tells when spans cannot be sent, once, and when they can be again. */
function watched(exporter: SpanExporter, onTrouble: OtlpOptions['onTrouble']): SpanExporter {
  let isInTrouble = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        // 0 is success; its name is exported only by a package that is the exporter's own.
        const code: number = result.code;
        const failed = code !== 0;
        if (failed !== isInTrouble)
          onTrouble(failed ? (result.error ?? new Error('the collector refused it')) : undefined);
        isInTrouble = failed;
        done(result);
      });
    },
    forceFlush: async () => await exporter.forceFlush?.(),
    shutdown: async () => await exporter.shutdown(),
  };
}
