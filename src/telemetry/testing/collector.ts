// A collector of traces that takes OTLP over HTTP, as JSON, and keeps what it is sent.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createOtlpTracer } from '../otlp.ts';
import type { Tracer } from '../tracing.ts';

export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** 1: internal, 2: server, 3: client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2: it failed. */
  readonly status: number;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly begun: number;
  readonly ended: number;
}

export interface Collector extends AsyncDisposable {
  /** As [ingot] otlp_endpoint says it. */
  readonly endpoint: string;
  readonly spans: readonly CollectedSpan[];
  readonly requests: number;
  /** The bodies as they came. */
  readonly text: string;
  /** What it answers from now on. */
  answer(status: number): void;
  /** Sends to this collector; disposing of it sends all that was begun and ended. */
  tracer(onTrouble?: (error: Error | undefined) => void): Tracer;
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  let requests = 0;
  let text = '';
  let status = 200;
  const server = createServer((request, response) => {
    requests += 1;
    void json(request).then((body) => {
      text += JSON.stringify(body);
      if (status < 300) spans.push(...spansOf(body as Body));
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on a port, not on a pipe.
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    spans,
    get requests() {
      return requests;
    },
    get text() {
      return text;
    },
    answer: (next) => void (status = next),
    tracer: (onTrouble = () => {}) =>
      createOtlpTracer({
        url: `${endpoint}/v1/traces`,
        resource: { 'service.name': 'ingot-test' },
        onTrouble,
      }),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Those above a span, nearest first, by name. */
export function ancestorsOf(span: CollectedSpan, spans: readonly CollectedSpan[]): string[] {
  const parent = spans.find((each) => each.spanId === span.parentSpanId && each.traceId === span.traceId);
  return parent ? [parent.name, ...ancestorsOf(parent, spans)] : [];
}

/** What OTLP's JSON form has of what is looked at here (opentelemetry-proto trace/v1). */
interface Body {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    scopeSpans: {
      spans: {
        name: string;
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        kind: number;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        attributes: KeyValue[];
        status: { code: number };
      }[];
    }[];
  }[];
}

interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}

function spansOf({ resourceSpans }: Body): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ startTimeUnixNano, endTimeUnixNano, status, attributes, parentSpanId, ...rest }) => ({
        ...rest,
        parentSpanId: parentSpanId || undefined,
        attributes: valuesOf(attributes),
        status: status.code,
        resource: valuesOf(resource.attributes),
        begun: Number(startTimeUnixNano) / 1e6,
        ended: Number(endTimeUnixNano) / 1e6,
      })),
    ),
  );
}

function valuesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
